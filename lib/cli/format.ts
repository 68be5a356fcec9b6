const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** A number of bytes for a person: `512 B`, `1.5 kB`, `300.0 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.95 would be shown as 1000.0
  while (value >= (unit === 0 ? 1000 : 999.95) && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** A rate in bytes per second for a person: `92.1 MB/s`. */
export function formatRate(rate: number): string {
  return `${formatBytes(rate)}/s`;
}

/** Milliseconds as seconds for a person: `0.004 s`, `1.25 s`, `75.2 s`. */
export function formatSeconds(time: number): string {
  const digits = time < 100 ? 3 : time < 10_000 ? 2 : 1;
  return `${(time / 1000).toFixed(digits)} s`;
}

/** Milliseconds as a clock shows them: `0:07`, `12:00`, `1:02:03`. */
export function formatClock(time: number): string {
  const seconds = Math.ceil(time / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const two = (value: number) => String(value % 60).padStart(2, "0");
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(seconds)}`
    : `${minutes}:${two(seconds)}`;
}

/** A short time in milliseconds for a person: `0.3 ms`, `24 ms`. */
export function formatMilliseconds(time: number): string {
  return `${time < 10 ? time.toFixed(1) : Math.round(time)} ms`;
}

/** A share from 0 to 1 for a person: `0.1%`, `12%`. */
export function formatShare(share: number): string {
  const percent = share * 100;
  return `${
    percent >= 0.05 && percent < 9.95 ? percent.toFixed(1) : Math.round(percent)
  }%`;
}

/** A whole number: `3,000`. */
export function formatInteger(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ",");
}

/** A count with its noun: `1 datagram`, `3,000 datagrams`. */
export function formatCount(count: number, noun: string): string {
  return `${formatInteger(count)} ${noun}${count === 1 ? "" : "s"}`;
}

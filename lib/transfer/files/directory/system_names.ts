import {
  MAX_NAME,
  NameFailure,
  PART_SUFFIX,
} from "../../wire/name_validation.ts";

/** What Windows does not take in a name, or takes for something else: paths, drives, streams, patterns. */
const WINDOWS_CHARACTERS = /[\p{Cc}"*/:<>?\\|]/u;
/** Names of devices, in whatever directory and with whatever extension. */
const WINDOWS_DEVICES =
  /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)/i;
/** Characters that HFS+ does not see when it compares names. */
const DARWIN_IGNORED = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/**
 * Refuses a name that means something else to a system than to the sender, by the
 * rules of that system ("Naming Files, Paths, and Namespaces" of Windows; Apple's
 * TN1150 for what HFS+ ignores). To all others a name is bytes.
 *
 * @param os as of `Deno.build.os`
 * @throws {NameFailure} if it is refused
 */
export function checkSystemName(name: string, os: string): void {
  const why = os === "windows"
    ? onWindows(name)
    : os === "darwin"
    ? onDarwin(name)
    : undefined;
  if (why !== undefined) throw new NameFailure(name, why);
}

function onWindows(name: string): string | undefined {
  if (WINDOWS_CHARACTERS.test(name)) {
    return "Windows does not take a character in it";
  }
  if (WINDOWS_DEVICES.test(name)) return "it is a device of Windows";
  if (/[. ]$/.test(name)) return "Windows takes away what it ends with";
  if (isPart(name)) return IS_PART;
  return undefined;
}

function onDarwin(name: string): string | undefined {
  const seen = name.replaceAll(DARWIN_IGNORED, "").normalize("NFC");
  if (isPart(seen)) return IS_PART;
  // One of these before a dot would hide that the file is a hidden one
  if (seen[0] !== name.normalize("NFC")[0]) {
    return "it begins with a character that macOS may not see";
  }
  return seen.length > MAX_NAME ? "it is too long for macOS" : undefined;
}

function isPart(name: string): boolean {
  return name.toLowerCase().endsWith(PART_SUFFIX);
}

const IS_PART = "files are called so while they arrive";

/** Bytes of a page. */
export const PAGE_SIZE = 2 ** 16;
/** Bytes of the first page at first; it doubles as needed, since many streams are short. */
const FIRST_PAGE_SIZE = 2 ** 10;

/**
 * Bytes by their position in a long stream, in pages that are allocated when
 * they are written. Discarded pages are reused, since the processor still has
 * them in its cache. The owner keeps track of the positions that hold data.
 */
export class PagedBuffer {
  /** By number: position p is in page p / PAGE_SIZE. */
  readonly #pages = new Map<number, Uint8Array>();
  readonly #spare: Uint8Array[] = [];
  /** The first page above the last bound of {@linkcode discardBelow}. */
  #first = 0;
  /** Pages from there on that were discarded. */
  #discarded = 0;

  /** Writes `bytes` at `position`. */
  write(position: number, bytes: Uint8Array): void {
    const at = position % PAGE_SIZE;
    const room = PAGE_SIZE - at;
    const number = (position - at) / PAGE_SIZE;
    if (bytes.length <= room) {
      this.#page(number, at + bytes.length).set(bytes, at);
    } else {
      this.#page(number, PAGE_SIZE).set(bytes.subarray(0, room), at);
      this.write(position + room, bytes.subarray(room));
    }
  }

  /** The page with this number, at least `size` bytes long. */
  #page(number: number, size: number): Uint8Array {
    const known = this.#pages.get(number);
    if (known !== undefined && known.length >= size) return known;
    const page = this.#spare.pop() ?? new Uint8Array(pageSize(number, size));
    if (known !== undefined) page.set(known);
    this.#pages.set(number, page);
    return page;
  }

  /** Copies `length` written bytes from `position` to `into` at `offset`. */
  read(
    position: number,
    length: number,
    into: Uint8Array,
    offset: number,
  ): void {
    for (let done = 0; done < length;) {
      const at = (position + done) % PAGE_SIZE;
      const end = Math.min(PAGE_SIZE, at + length - done);
      const page = this.#page((position + done - at) / PAGE_SIZE, end);
      into.set(page.subarray(at, end), offset + done);
      done += end - at;
    }
  }

  /** Bytes of the pages that {@linkcode discardPage} took and {@linkcode discardBelow} has not reached. */
  get discarded(): number {
    return this.#discarded * PAGE_SIZE;
  }

  /** Discards the page that begins at `position`; it must not be read again. */
  discardPage(position: number): void {
    const number = position / PAGE_SIZE;
    const page = this.#pages.get(number);
    if (page === undefined || page.length < PAGE_SIZE) return;
    this.#pages.delete(number);
    this.#spare.push(page);
    this.#discarded++;
  }

  /** Discards the pages below `position`; they must not be written or read again. */
  discardBelow(position: number): void {
    const first = Math.floor(position / PAGE_SIZE);
    for (; this.#first < first; this.#first++) {
      const page = this.#pages.get(this.#first);
      if (page === undefined) {
        if (this.#discarded > 0) this.#discarded--;
        continue;
      }
      this.#pages.delete(this.#first);
      if (page.length === PAGE_SIZE) this.#spare.push(page);
    }
  }
}

function pageSize(number: number, least: number): number {
  let size = number === 0 ? FIRST_PAGE_SIZE : PAGE_SIZE;
  while (size < least) size *= 2;
  return size;
}

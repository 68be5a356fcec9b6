/** Whether both have the same structure and the same values. */
export function equal(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || !a || !b) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Date) return equal(a.getTime(), (b as Date).getTime());
  if (a instanceof RegExp) return String(a) === String(b);
  if (a instanceof Uint8Array) return equalBytes(a, b as Uint8Array);
  if (a instanceof Set) return equalSets(a, b as Set<unknown>);
  if (a instanceof Map) return equalMaps(a, b as Map<unknown, unknown>);
  const keys = Reflect.ownKeys(a);
  return keys.length === Reflect.ownKeys(b).length &&
    keys.every((key) =>
      Object.hasOwn(b, key) &&
      equal(a[key as keyof typeof a], b[key as keyof typeof b])
    );
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function equalSets(a: Set<unknown>, b: Set<unknown>): boolean {
  return a.size === b.size &&
    [...a].every((x) => b.has(x) || [...b].some((y) => equal(x, y)));
}

function equalMaps(a: Map<unknown, unknown>, b: Map<unknown, unknown>) {
  return a.size === b.size &&
    [...a].every(([key, value]) =>
      b.has(key)
        ? equal(value, b.get(key))
        : [...b].some((other) => equal([key, value], other))
    );
}

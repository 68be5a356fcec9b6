const NAME = "FERRY_CODE";

/** The code that the environment holds; undefined if none, or where it may not be asked for. */
export function environmentCode(): string | undefined {
  const permission = { name: "env", variable: NAME } as const;
  if (Deno.permissions.querySync(permission).state !== "granted") return;
  return Deno.env.get(NAME) || undefined;
}

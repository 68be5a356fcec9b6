import { assertEquals } from "@std/assert";
import type { Secrets } from "../../../lib/secure/handshake/secrets.ts";
import { ServerSecrets } from "../../../lib/secure/handshake/server_secrets.ts";
import { ENCRYPTED, withCode } from "./handshake_pair.ts";
import { pause } from "../../support/wait.ts";

const CODE = withCode("17-walnut-copper-lagoon");

function sharesIn(secrets: Secrets): string[] {
  if (secrets.mode === "plain") return [];
  const shares = [secrets.keyShare.publicKey];
  if (secrets.mode === "code") shares.push(secrets.cpace.share);
  return shares.map((share) => share.join());
}

for (const security of [ENCRYPTED, CODE]) {
  Deno.test(`in ${security.mode} mode no share is given twice, more than are made ahead`, async () => {
    using secrets = new ServerSecrets(security);
    await secrets.ready;
    const given = Array.from({ length: 60 }, () => sharesIn(secrets.next()));
    // Those that were made ahead meanwhile
    while (given.length < 100) {
      await pause(1);
      given.push(sharesIn(secrets.next()));
    }
    const shares = given.flat();
    const each = security.mode === "code" ? 2 : 1;
    assertEquals(shares.length, 100 * each);
    assertEquals(new Set(shares).size, shares.length);
  });
}

/** Runs tests with each pairing of the ciphers that there are here. */
import type { ByteStream } from "../../lib/base/byte_stream.ts";
import type {
  Secrets,
  SecretsSource,
} from "../../lib/secure/handshake/secrets.ts";
import {
  type AeadImplementation,
  WEB_CRYPTO,
} from "../../lib/secure/record/aead.ts";
import * as channel from "../../lib/secure/secure_channel.ts";
import { openLibcrypto } from "../../lib/system/libcrypto.ts";

interface Pairing {
  readonly client: AeadImplementation;
  readonly server: AeadImplementation;
}

const OPENSSL = openLibcrypto();
const CIPHERS = OPENSSL === undefined ? [WEB_CRYPTO] : [WEB_CRYPTO, OPENSSL];
const PAIRINGS: Pairing[] = CIPHERS.flatMap((client) =>
  CIPHERS.map((server) => ({ client, server }))
);

/** The ciphers of the test that runs. */
export let ciphers: Pairing = { client: WEB_CRYPTO, server: WEB_CRYPTO };

/** Registers a test for each pairing of ciphers. */
export function testWithCiphers(
  name: string,
  fn: () => void | Promise<void>,
): void {
  for (const pairing of PAIRINGS) {
    const { client, server } = pairing;
    Deno.test({
      name: `${name} (${client.name} and ${server.name})`,
      // What a channel that breaks has WebCrypto do cannot be cancelled
      sanitizeOps: client !== WEB_CRYPTO && server !== WEB_CRYPTO,
      fn: async () => {
        ciphers = pairing;
        await fn();
      },
    });
  }
}

/** As of the secure channel, with the cipher of the test. */
export function agreeAsClient(
  stream: ByteStream,
  secrets: Secrets,
): Promise<channel.AgreedWithServer> {
  const aead = Promise.resolve(ciphers.client);
  return channel.agreeAsClient(stream, secrets, aead);
}

/** As of the secure channel, with the cipher of the test. */
export function agreeAsServer(
  stream: ByteStream,
  source: SecretsSource,
  options: channel.ServerOptions = {},
): Promise<channel.Agreed> {
  return channel.agreeAsServer(stream, source, {
    aead: ciphers.server,
    ...options,
  });
}

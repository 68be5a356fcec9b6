import type { NameRule } from "../../../base/failure.ts";
import { MAX_NAME_SIZE, nameRefused, PART_SUFFIX } from "../../wire/names.ts";

/** Characters that Windows does not allow in a name, or takes for a path, drive, stream or pattern. */
const WINDOWS_CHARACTERS = /[\p{Cc}"*/:<>?\\|]/u;
/** Names of devices, in every directory and with every extension. */
const WINDOWS_DEVICES =
  /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)/i;
/** Characters that HFS+ ignores when it compares names. */
const DARWIN_IGNORED = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/**
 * Refuses a name that means something else to a system than to the sender, by the
 * rules of that system ("Naming Files, Paths, and Namespaces" of Windows; Apple's
 * TN1150 for what HFS+ ignores). To all other systems a name is bytes.
 *
 * @param os as of `Deno.build.os`
 * @throws {Failure} `name-refused`
 */
export function checkSystemName(name: string, os: string): void {
  const rule = os === "windows"
    ? windowsRule(name)
    : os === "darwin"
    ? macosRule(name)
    : undefined;
  if (rule !== undefined) throw nameRefused(name, rule);
}

function windowsRule(name: string): NameRule | undefined {
  if (WINDOWS_CHARACTERS.test(name)) return "windows-character";
  if (WINDOWS_DEVICES.test(name)) return "windows-device";
  if (/[. ]$/.test(name)) return "windows-ending";
  return isPart(name) ? "reserved" : undefined;
}

function macosRule(name: string): NameRule | undefined {
  const seen = name.replaceAll(DARWIN_IGNORED, "").normalize("NFC");
  if (isPart(seen)) return "reserved";
  // An ignored character before a dot would hide that the file is a hidden one
  if (seen[0] !== name.normalize("NFC")[0]) return "macos-ignored";
  return seen.length > MAX_NAME_SIZE ? "macos-too-long" : undefined;
}

function isPart(name: string): boolean {
  return name.toLowerCase().endsWith(PART_SUFFIX);
}

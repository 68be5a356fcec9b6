import {
  directoryCalls,
  fileCalls,
  occasionalCalls,
  readingCalls,
  socketCalls,
  writingCalls,
} from "../../lib/system/c_library.ts";
import { openLibcrypto } from "../../lib/system/libcrypto.ts";

const ALL = [
  openLibcrypto,
  socketCalls,
  fileCalls,
  directoryCalls,
  writingCalls,
  readingCalls,
  occasionalCalls,
];
// A process opens each once and keeps it: that is no leak of the test which is first.
for (const open of ALL) open();

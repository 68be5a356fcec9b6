import {
  directoryCalls,
  fileCalls,
  memoryCalls,
  socketCalls,
} from "../lib/system/c_library.ts";

// A process opens them once and keeps them: that is no leak of the test which is first.
for (const calls of [socketCalls, memoryCalls, fileCalls, directoryCalls]) {
  calls();
}

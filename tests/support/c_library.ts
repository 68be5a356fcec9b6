import {
  directoryCalls,
  fileCalls,
  memoryCalls,
  occasionalCalls,
  readingCalls,
  socketCalls,
  writingCalls,
} from "../../lib/system/c_library.ts";

const ALL = [
  socketCalls,
  memoryCalls,
  fileCalls,
  directoryCalls,
  writingCalls,
  readingCalls,
  occasionalCalls,
];
// A process opens them once and keeps them: that is no leak of the test which is first.
for (const calls of ALL) calls();

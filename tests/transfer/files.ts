import { cLibrary } from "../../lib/system/c_library.ts";

export { inDirectory } from "../directory.ts";

// A process opens it once and keeps it: that is no leak of the first test.
cLibrary();

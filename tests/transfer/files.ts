import "../c_library.ts";

export { inDirectory } from "../directory.ts";

import { DescriptorDirectory } from "./descriptor_directory.ts";
import type { Directory } from "./directory.ts";
import { PathDirectory } from "./path_directory.ts";

/** Opens a directory by a path, in which links are followed. */
export function openDirectory(path: string): Directory {
  return DescriptorDirectory.isPossible
    ? DescriptorDirectory.open(path)
    : new PathDirectory(path);
}

/** The C library, for what Bun does not tell the kernel: http/socket, http/gate, program/announce. */
import { dlopen } from "bun:ffi";

const names = ["libc.so.6", "libc.so", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];
type Functions = Parameters<typeof dlopen>[1];

/** These functions of it, until they are closed; undefined where there is none that has them. */
export function openLibrary<F extends Functions>(functions: F) {
  for (const name of names) {
    try {
      return dlopen(name, functions);
    } catch {
      // Another C library, or another name for it.
    }
  }
  return undefined;
}

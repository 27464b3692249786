/**
 * Who this browser is, where each viewer likes once and no token says so: random, made once, and kept.
 *
 * It tells one browser from another, and proves nothing: who must be sure that nobody likes twice gives
 * viewers tokens.
 */
import { newKey } from "./send.ts";

let own = "";

/** The same on every page of this origin, and at least for as long as this page lasts. */
export function viewerId(): string {
  own ||= newKey();
  try {
    // Whatever another tab made first is who we are.
    own = localStorage["ovation-viewer"] ||= own;
  } catch {
    // Browsers that keep nothing.
  }
  return own;
}

/**
 * Whether a video is over, as a node shows it: its rules say so, or the log keeps it so without a rule. A
 * deletion takes back both, but where it is history that a node begins with: the rules that it knows then
 * are of now. frontend/closed.ts says when; system/life.test.ts holds it.
 */
export class Over {
  /** Moderators have closed it. */
  byRules = false;
  /** The log keeps it closed: until it is opened, or deleted. */
  byLog = false;

  /** Takes nothing more. */
  get now(): boolean {
    return this.byRules || this.byLog;
  }
}

/** What both ends of the bus between processes of one machine agree on: they are of the same build. */

/** The first thing that is said. Another text: somebody else, who is not listened to. */
export const greeting = "ovation-1";

/** How an answer ends a question, as its second number: an index into these. */
export const answers = ["done", "nobody", "unavailable", "refused"] as const;

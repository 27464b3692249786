/** Style sheets and pages that a module imports with `{ type: "text" }` arrive as strings. */
declare module "*.md" {
  const text: string;
  export default text;
}

declare module "*.css" {
  const text: string;
  export default text;
}

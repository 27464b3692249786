/** Style sheets that a module imports with `{ type: "text" }` arrive as strings. */
declare module "*.css" {
  const text: string;
  export default text;
}

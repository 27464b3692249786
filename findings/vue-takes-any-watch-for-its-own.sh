#!/usr/bin/env bash
# Vue's compiler: a function called watch that comes from anywhere else is refused a destructured prop, as an error.
#
# Guess:    what <script setup> forbids of Vue's watch() and toRef() holds for those that are imported from "vue".
# Versions: @vue/compiler-sfc of vue 3.5.45; Node 20.20.2.
# Seen:     const { video } = defineProps(["video"]) and then watch(video, { … }) of another package:
#             not compiled: "video" is a destructured prop and should not be passed directly to watch()
#           So are a watch that the component declares itself and a toRef of another package. The same call is
#           compiled when the function is imported under another name, when it is props.video, or when the
#           component also imports { watch as whatever } from "vue": then the compiler looks for that name only.
#           (checkUsage(node, method, alias = method): no import from "vue" is no alias, and the default steps in.)
# Matters:  destructured props are what the guide of 3.5 recommends, and a client library's watch(id) is a
#           component's first line. What is said to do, a getter, hands the library a function for an id.
# Do:       a library that is meant for Vue has a second name for what it calls watch or toRef, or its guide
#           says props.video, as Ovation's does. The component that a guide shows has to be compiled by a test.
#
# Run: bash findings/vue-takes-any-watch-for-its-own.sh   (needs node, npm)
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --prefix . vue@3.5.45 >/dev/null

cat >compile.mjs <<'JS'
import { compileScript, parse } from "vue/compiler-sfc";

const props = 'const { video } = defineProps(["video"]);';
const components = {
  "watch of a package": `import { watch } from "chat-client"; ${props} watch(video, {});`,
  "watch of its own": `${props} function watch(id) {} watch(video);`,
  "toRef of a package": `import { toRef } from "git-client"; ${props} toRef(video);`,
  "under another name": `import { watch as follow } from "chat-client"; ${props} follow(video, {});`,
  "props.video": `import { watch } from "chat-client"; const props = defineProps(["video"]); watch(props.video, {});`,
  "beside Vue's, renamed": `import { watch as seen } from "vue"; import { watch } from "chat-client"; ${props} watch(video, {});`,
};
for (const [name, script] of Object.entries(components)) {
  const { descriptor } = parse(`<script setup>\n${script}\n</script>`);
  try {
    compileScript(descriptor, { id: "a" });
    console.log(`${name}: compiled`);
  } catch (error) {
    console.log(`${name}: ${error.message.split("\n")[0].replace(/^\[.*?\] /, "").replace(/ Pass.*/, "")}`);
  }
}
JS

timeout 20 node compile.mjs | tee seen
diff seen - <<'WANTED' && echo "as described"
watch of a package: "video" is a destructured prop and should not be passed directly to watch().
watch of its own: "video" is a destructured prop and should not be passed directly to watch().
toRef of a package: "video" is a destructured prop and should not be passed directly to toRef().
under another name: compiled
props.video: compiled
beside Vue's, renamed: compiled
WANTED

#!/usr/bin/env bash
# A flag that is only ever true, in an OpenAPI document: the Python client made from it cannot be imported.
#
# Guess:    "reset": {"const": true}, not required, is the plain way to say "there, and then true, or absent" in
#           OpenAPI 3.1; generators know `const`, as the same with a string shows.
# Versions: openapi-python-client 0.29.1 on Python 3.11.
# Seen:     {"const": "live"}, optional   a module that works
#           {"const": true},   optional   a module with `if reset != Trueand not isinstance(…)`: SyntaxError, on
#                                         import of any call that answers with it; required, it works
#           Generating says nothing and ends with 0 in both cases. (A space is missing behind the value; behind a
#           string's closing quote Python does not need it.)
# Matters:  events and states are full of such flags; the client's own tests pass as long as nobody imports that
#           one model, and the document is valid for every linter.
# Do:       {"type": "boolean"} with the promise in words, or an enum of one: ["…"]. Import what was generated in
#           a test. The flags of openapi.json are booleans here, and npm run generated imports what is made of it.
#
# Run: bash findings/openapi-python-client-flag-is-a-syntax-error.sh   (needs python3 with venv)
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip --quiet --disable-pip-version-check install openapi-python-client==0.29.1 ruff==0.15.2

for case in optional-string optional-true required-true; do
  value=true
  required='"total"'
  [ "$case" != optional-string ] || value='"live"'
  [ "$case" != required-true ] || required='"total", "flag"'
  cat >"$case.json" <<JSON
{ "openapi": "3.1.0", "info": { "title": "$case", "version": "1" },
  "paths": { "/state": { "get": { "operationId": "getState", "responses": { "200": { "description": "it",
    "content": { "application/json": { "schema": { "\$ref": "#/components/schemas/State" } } } } } } } },
  "components": { "schemas": { "State": { "type": "object", "required": [$required],
    "properties": { "total": { "type": "integer" }, "flag": { "const": $value } } } } } }
JSON
  said=0
  PATH="$dir/python/bin:$PATH" python/bin/openapi-python-client generate --path "$case.json" \
    --output-path "$case" --config <(echo 'post_hooks: []') >log 2>&1 || said=$?
  model=$(find "$case" -name state.py)
  if python/bin/python -m py_compile "$model" 2>error; then fate="a module"; else fate=$(tail -1 error); fi
  echo "$case: generating ended with $said, and gave: $fate"
done | tee seen
diff seen - <<'WANTED' && echo "as described"
optional-string: generating ended with 0, and gave: a module
optional-true: generating ended with 0, and gave: SyntaxError: invalid syntax
required-true: generating ended with 0, and gave: a module
WANTED

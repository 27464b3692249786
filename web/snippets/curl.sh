#!/bin/sh
# A like, counted exactly once however often this line is repeated within two minutes.
curl -sS https://ovation.example/v1/videos/final/likes \
  -H 'content-type: application/json' \
  -H 'idempotency-key: my-first-like' \
  -d '{"kind":"heart","count":3}'

# A comment.
curl -sS https://ovation.example/v1/videos/final/comments \
  -H 'content-type: application/json' \
  -d '{"user":"Ada","text":"What a goal!"}'

# The state now, and then the stream for two seconds.
curl -sS https://ovation.example/v1/videos/final
curl -sSN --max-time 2 https://ovation.example/v1/videos/final/events || test $? -eq 28

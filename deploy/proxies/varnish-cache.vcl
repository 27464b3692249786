# Varnish before Ovation on 127.0.0.1:8080 (--trust-proxy=1), as varnish.vcl, and as the cache that viewers without
# a stream share: what they poll reaches the node about once a second for each video, however many they are.
vcl 4.1;
import std;
backend default {
  .host = "127.0.0.1"; .port = "8080";
  .probe = { .url = "/health/ready"; .interval = 2s; .timeout = 1s; .window = 3; .threshold = 2; .initial = 2; }
}
sub vcl_recv {
  if (req.url ~ "^/v1/(videos/[^/]+/)?events") { return (pipe); }
  if (req.method ~ "^(GET|HEAD)$" && req.url ~ "^/v1/videos/[^/]+/(live|ticks/[0-9]+)(\?|$)") {
    # What is told to a token is its holder's.
    if (req.http.Authorization || req.http.X-API-Key || req.url ~ "[?&]token=") { return (pass); }
    unset req.http.Cookie;
    # Old for as long as a new one is on its way; a minute while the node is away.
    set req.grace = 5s;
    if (!std.healthy(req.backend_hint)) { set req.grace = 60s; }
    return (hash);
  }
  if (req.url ~ "^/v1/") { return (pass); }
}
sub vcl_pipe { set bereq.http.Connection = "close"; }
sub vcl_backend_response {
  if (!bereq.uncacheable && bereq.url ~ "^/v1/videos/[^/]+/(live|ticks/[0-9]+)(\?|$)") {
    # A node in trouble does not take away what is there.
    if (beresp.status >= 500 && bereq.is_bgfetch) { return (abandon); }
    set beresp.grace = 60s;
    if (beresp.status != 200) {
      # A refusal is not kept, nor that it was one: two minutes of everybody asking for himself, unless told.
      set beresp.uncacheable = true;
      set beresp.ttl = 1s;
      set beresp.grace = 0s;
      return (deliver);
    }
  }
}

# Varnish before Ovation on 127.0.0.1:8080 (--trust-proxy=1). Streams are piped: Varnish otherwise cuts each
# after 600 s (send_timeout), busy or not, and notices a viewer who left at the third write only.
vcl 4.1;
backend default { .host = "127.0.0.1"; .port = "8080"; }
sub vcl_recv {
  if (req.url ~ "^/v1/(videos/[^/]+/)?events") { return (pipe); }
  if (req.url ~ "^/v1/") { return (pass); }
}
sub vcl_pipe { set bereq.http.Connection = "close"; }

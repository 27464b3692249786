/**
 * Requests whose end two readers may see in different places (RFC 9112, sections 6.3 and 11.2): each hides a
 * like behind what the strictest reading takes for one request. Whatever the answer, the hidden like must
 * never be counted: a proxy in front would not have seen it.
 */

/** The video that only hidden requests name. */
export const hiddenVideo = "smuggled";

const like = '{"kind":"heart"}';
const json = "Content-Type: application/json\r\n";
const hidden =
  `POST /v1/videos/${hiddenVideo}/likes HTTP/1.1\r\nHost: x\r\n${json}` +
  `Content-Length: ${like.length}\r\n\r\n${like}`;
const post = `POST /v1/videos/v/likes HTTP/1.1\r\nHost: x\r\n${json}`;
/** A post whose body no route reads. */
const untyped = "POST /v1/videos/v/likes HTTP/1.1\r\nHost: x\r\n";
const get = "GET /v1/videos/v HTTP/1.1\r\nHost: x\r\n";
/** The hidden request as the one chunk of a body, and as a body of a length. */
const chunked = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;
const length = `Content-Length: ${hidden.length}\r\n`;

/** By what is wrong with it. */
export const smuggled: Readonly<Record<string, string>> = {
  "a length and chunks": `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
  "chunks and a length": `${post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${hidden}`,
  "two lengths": `${post}Content-Length: 0\r\n${length}\r\n${hidden}`,
  "two lengths, turned": `${post}${length}Content-Length: 0\r\n\r\n${hidden}`,
  "a list of lengths": `${post}Content-Length: 0, ${hidden.length}\r\n\r\n${hidden}`,
  "a negative length": `${post}Content-Length: -1\r\n\r\n${hidden}`,
  "a length with a sign": `${post}Content-Length: +0\r\n\r\n${hidden}`,
  "a hexadecimal length": `${post}Content-Length: 0x0\r\n\r\n${hidden}`,
  "a length too large to be one": `${post}Content-Length: 18446744073709551616\r\n\r\n${hidden}`,
  "a space before the colon": `${post}Content-Length : ${hidden.length}\r\n\r\n${hidden}`,
  "a space before the colon of an encoding": `${post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${hidden}`,
  "an encoding nobody knows": `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${hidden}`,
  "an encoding after chunked": `${post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${hidden}`,
  "an encoding twice": `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n${hidden}`,
  "a folded header": `${post}X: a\r\n Content-Length: 0\r\n${length}\r\n${hidden}`,
  "a folded encoding": `${post}Transfer-Encoding:\r\n chunked\r\n${length}\r\n${hidden}`,
  "a vertical tab in an encoding": `${post}Transfer-Encoding: \u000bchunked\r\n\r\n0\r\n\r\n${hidden}`,
  "a bare line feed in the head": `${post}X: a\n${length}\r\n${hidden}`,
  "a bare carriage return in the head": `${post}X: a\r${length}\r\n${hidden}`,
  "a line feed for a chunk's end": `${post}Transfer-Encoding: chunked\r\n\r\n1\n \n0\n\n${hidden}`,
  "a chunk size that is none": `${post}Transfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n0\r\n\r\n${hidden}`,
  "a chunk size with a sign": `${post}Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n0\r\n\r\n${hidden}`,
  "a chunk size that wraps": `${post}Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n${hidden}`,
  "a chunk longer than it says": `${post}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n${hidden}`,
  "a chunk extension with a line feed": `${post}Transfer-Encoding: chunked\r\n\r\n0;a\n\r\n\r\n${hidden}`,
  "a body of a GET": `${get}${length}\r\n${hidden}`,
  "chunks of a GET": `${get}Transfer-Encoding: chunked\r\n\r\n${chunked}`,
  "a body of a path that is not there": `POST /no HTTP/1.1\r\nHost: x\r\n${json}${length}\r\n${hidden}`,
  "a body of a type that is not read": `${untyped}${length}\r\n${hidden}`,
  "chunks of a type that is not read": `${untyped}Transfer-Encoding: chunked\r\n\r\n${chunked}`,
  "a head without a host": `POST /v1/videos/v/likes HTTP/1.1\r\n${json}${length}\r\n${hidden}`,
  "two hosts": `${post}Host: y\r\n${length}\r\n${hidden}`,
  "HTTP/1.0 with chunks": `${untyped.replace("1.1", "1.0")}Transfer-Encoding: chunked\r\n\r\n${chunked}`,
  "a request in a header": `${get}X: a\r\n\tPOST /v1/videos/${hiddenVideo}/likes HTTP/1.1\r\n\r\n`,
};

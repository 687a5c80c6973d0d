// What a program in Node does: node client.mjs plain|stream|http2|proxy BASE [TENANT]. Prints the text of the answer.
import http from "node:http";
import http2 from "node:http2";

const [, , mode, base, tenant] = process.argv;
const headers = { "content-type": "application/json", authorization: "Bearer sk-test" };
if (tenant) headers["x-tenant-id"] = tenant;
const body = JSON.stringify({
  model: "gpt-4o-mini", max_tokens: 12, stream: mode === "stream",
  messages: [{ role: "user", content: "Say something." }],
});

async function* events(stream) {
  let rest = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + part).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line.startsWith("data: ") && line !== "data: [DONE]") yield JSON.parse(line.slice(6));
  }
}

async function overFetch() {
  const response = await fetch(`${base}/chat/completions`, { method: "POST", headers, body });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  if (mode !== "stream") return (await response.json()).choices[0].message.content;
  let text = "";
  for await (const event of events(response.body)) text += event.choices[0]?.delta.content ?? "";
  return text;
}

// Prior knowledge without TLS, ALPN with it.
async function overHTTP2() {
  const { origin, pathname } = new URL(base);
  const session = http2.connect(origin);
  const stream = session.request({ ":method": "POST", ":path": `${pathname}/chat/completions`, ...headers });
  stream.end(body);
  stream.setEncoding("utf8");
  let text = "";
  for await (const part of stream) text += part;
  session.close();
  return JSON.parse(text).choices[0].message.content;
}

// By the provider's own name, as node:http does it with a proxy: the whole URL as the path. HTTP_PROXY is this program's
// own business, for Node 20 does not read it.
async function overProxy() {
  const proxy = new URL(process.env.HTTP_PROXY);
  const url = new URL(`${base}/chat/completions`);
  const user = Buffer.from(`${proxy.username}:${proxy.password}`).toString("base64");
  const request = http.request({
    host: proxy.hostname, port: proxy.port, method: "POST", path: url.href,
    headers: { ...headers, host: url.host, "proxy-authorization": `Basic ${user}` },
  });
  request.end(body);
  const response = await new Promise((resolve, reject) => request.on("response", resolve).on("error", reject));
  let text = "";
  for await (const part of response.setEncoding("utf8")) text += part;
  if (response.statusCode !== 200) throw new Error(`${response.statusCode} ${text}`);
  return JSON.parse(text).choices[0].message.content;
}

console.log(await (mode === "proxy" ? overProxy() : mode === "http2" ? overHTTP2() : overFetch()));

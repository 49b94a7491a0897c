// Runs one scenario with @microsoft/microsoft-graph-client and prints the result.
//
// In:  one JSON line on stdin, { scenario, url, token }.
// Out: one JSON line on stdout, { result } or { error }.

import { readFileSync } from "node:fs";
import { BatchRequestContent, BatchResponseContent, Client, PageIterator } from "@microsoft/microsoft-graph-client";

const task = JSON.parse(readFileSync(0, "utf8"));
const client = Client.initWithMiddleware({
  authProvider: { getAccessToken: async () => task.token },
  baseUrl: task.url,
  customHosts: new Set(["localhost"]),
});

const user = (name) => ({
  accountEnabled: true,
  displayName: name,
  mailNickname: name.toLowerCase(),
  userPrincipalName: `${name.toLowerCase()}@contoso.example`,
  passwordProfile: { password: "Fresh-Pass-1", forceChangePasswordNextSignIn: false },
});
const make = (name) => client.api("/users").post(user(name));
const told = (error) => ({ status: error.statusCode, code: error.code, message: error.message, id: error.requestId });
const refused = (promise) => promise.then(() => null, told);

async function collect(page) {
  const items = [];
  const iterator = new PageIterator(client, page, (one) => items.push(one) > 0);
  await iterator.iterate();
  return { items, deltaLink: iterator.getDeltaLink() };
}

const scenarios = {
  async life() {
    const { id } = await make("Una");
    await client.api(`/users/${id}`).patch({ city: "Köln" });
    const found = await client.api(`/users/${id}`).select("displayName,city").get();
    const listed = await client.api("/users").filter("startsWith(displayName,'Una')").get();
    await client.api(`/users/${id}`).delete();
    const missing = await refused(client.api(`/users/${id}`).get());
    return { found, listed: listed.value.map((one) => one.id === id), missing };
  },
  async pages() {
    const made = [];
    for (let number = 0; number < 12; number += 1) made.push((await make(`U${number}`)).id);
    const first = await client.api("/users").filter("startsWith(displayName,'U')").top(5).get();
    const { items } = await collect(first);
    return { made, found: items.map((one) => one.id), first: first.value.length };
  },
  async advanced() {
    const eventual = (path) => client.api(path).header("ConsistencyLevel", "eventual");
    const searched = await eventual("/users").search('"displayName:Ada"').count(true).get();
    const ended = await eventual("/users").filter("endsWith(mail,'@contoso.example')").count(true).get();
    const count = await eventual("/users/$count").get();
    const plain = await refused(client.api("/users").search('"displayName:Ada"').get());
    return { searched, ended, count, plain };
  },
  async batch() {
    // A Request of Node.js has an absolute URL; the client removes its origin, but not its version.
    const step = (id, method, path, body, dependsOn) => ({
      id,
      dependsOn,
      request: new Request(new URL(path, task.url), {
        method,
        body: body && JSON.stringify(body),
        headers: body ? { "Content-Type": "application/json" } : {},
      }),
    });
    const content = new BatchRequestContent([
      step("make", "POST", "/users", user("Una")),
      step("find", "GET", "/users/una@contoso.example", undefined, ["make"]),
      step("none", "GET", "/users/nobody@contoso.example", undefined, ["make"]),
    ]);
    const answers = new BatchResponseContent(await client.api("/$batch").post(await content.getContent()));
    const one = async (id) => ({ status: answers.getResponseById(id).status, body: await answers.getResponseById(id).json() });
    return { make: await one("make"), find: await one("find"), none: await one("none") };
  },
  async delta() {
    const gone = await make("Gone");
    const { deltaLink } = await collect(await client.api("/users/delta").select("displayName").get());
    const fresh = await make("New");
    await client.api(`/users/${gone.id}`).delete();
    const { items } = await collect(await client.api(deltaLink).get());
    return { gone: gone.id, fresh: fresh.id, items };
  },
  async list() {
    return (await client.api("/users").get()).value.length;
  },
  async wrong() {
    return refused(client.api("/users").post({ displayName: "Nobody" }));
  },
};

try {
  console.log(JSON.stringify({ result: await scenarios[task.scenario]() }));
} catch (error) {
  console.log(JSON.stringify({ error: { ...told(error), stack: error.stack } }));
}

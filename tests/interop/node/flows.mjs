// Runs one flow with @azure/msal-node and prints the result.
//
// In:  one JSON line on stdin, { flow, authority, knownAuthority, ... }; for the flow `code`, later the code.
// Out: JSON lines on stdout: { open: url } and { device: {...} } request a sign-in, { result } or { error } ends.

import readline from "node:readline";
import { ConfidentialClientApplication, CryptoProvider, PublicClientApplication } from "@azure/msal-node";

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => JSON.parse((await lines.next()).value);
const tell = (value) => process.stdout.write(JSON.stringify(value) + "\n");

const task = await read();
const scopes = task.scopes ?? ["User.Read"];
const common = { clientId: task.clientId, authority: task.authority, knownAuthorities: [task.knownAuthority] };
const makePublic = () => new PublicClientApplication({ auth: common });
const makeConfidential = () =>
  new ConfidentialClientApplication({
    auth: { ...common, clientSecret: task.clientSecret, clientCertificate: task.clientCertificate },
  });

async function byCode(app) {
  const { verifier, challenge } = await new CryptoProvider().generatePkceCodes();
  const request = { scopes, redirectUri: task.redirectUri, nonce: "a-nonce" };
  const challenged = { codeChallenge: challenge, codeChallengeMethod: "S256", state: "a-state" };
  tell({ open: await app.getAuthCodeUrl({ ...request, ...challenged }) });
  const { code } = await read();
  return app.acquireTokenByCode({ ...request, code, codeVerifier: verifier });
}

const flows = {
  secret: () => makeConfidential().acquireTokenByClientCredential({ scopes }),
  certificate: () => makeConfidential().acquireTokenByClientCredential({ scopes }),
  code: () => byCode(makePublic()),
  confidentialCode: () => byCode(makeConfidential()),
  password: () =>
    makePublic().acquireTokenByUsernamePassword({ scopes, username: task.username, password: task.password }),
  device: () => makePublic().acquireTokenByDeviceCode({ scopes, deviceCodeCallback: (device) => tell({ device }) }),
  interactive: () => makePublic().acquireTokenInteractive({ scopes, openBrowser: async (url) => tell({ open: url }) }),
  silent: async () => {
    const app = makePublic();
    const first = await byCode(app);
    return app.acquireTokenSilent({ scopes, account: first.account, forceRefresh: true });
  },
  refresh: async () => {
    const app = makePublic();
    await byCode(app);
    const tokens = Object.values(JSON.parse(app.getTokenCache().serialize()).RefreshToken);
    return makePublic().acquireTokenByRefreshToken({ scopes, refreshToken: tokens[0].secret });
  },
};

try {
  const { accessToken, account, scopes: granted, fromCache } = await flows[task.flow]();
  tell({ result: { accessToken, username: account?.username ?? null, scopes: granted, fromCache } });
} catch (error) {
  tell({ error: { name: error.name, code: error.errorCode, message: error.errorMessage, number: error.errorNo } });
}
process.exit(0);

// Gets a token with one credential of @azure/identity and prints the result.
//
// In:  one JSON line on stdin, { flow, tenant, host, clientId, scope, ... }; the rest comes from the environment.
// Out: one JSON line on stdout: { result } or { error }.

import readline from "node:readline";
import {
  AzurePipelinesCredential,
  ClientAssertionCredential,
  OnBehalfOfCredential,
  WorkloadIdentityCredential,
} from "@azure/identity";

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const task = JSON.parse((await lines.next()).value);
const tell = (value) => process.stdout.write(JSON.stringify(value) + "\n");
const options = { authorityHost: task.host, disableInstanceDiscovery: true };

const credentials = {
  workload: () => new WorkloadIdentityCredential({ disableInstanceDiscovery: true }),
  pipelines: () =>
    new AzurePipelinesCredential(
      task.tenant, task.clientId, task.connection, process.env.SYSTEM_ACCESSTOKEN, options,
    ),
  assertion: () => new ClientAssertionCredential(task.tenant, task.clientId, async () => task.assertion, options),
  onBehalfOf: () =>
    new OnBehalfOfCredential({
      ...options,
      tenantId: task.tenant,
      clientId: task.clientId,
      userAssertionToken: task.userAssertion,
      ...(task.assertion ? { getAssertion: async () => task.assertion } : { clientSecret: task.clientSecret }),
    }),
};

try {
  const { token, expiresOnTimestamp } = await credentials[task.flow]().getToken(task.scope);
  tell({ result: { accessToken: token, expiresOn: expiresOnTimestamp / 1000 } });
} catch (error) {
  tell({ error: { name: error.name, message: error.message } });
}
process.exit(0);

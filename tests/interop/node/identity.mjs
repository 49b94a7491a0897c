// Gets a token with @azure/identity or @azure/msal-node on the host that the environment describes, and prints it.
//
// In:  one JSON line on stdin, { client, ids, scope, resource }.
// Out: one JSON line on stdout, { result: { token, expiresOn, fromCache } } or { error: { name, message } }.

import { readFileSync } from "node:fs";
import { DefaultAzureCredential, ManagedIdentityCredential } from "@azure/identity";
import { ManagedIdentityApplication } from "@azure/msal-node";

const task = JSON.parse(readFileSync(0, "utf8"));

async function byCredential(credential) {
  const { token, expiresOnTimestamp } = await credential.getToken(task.scope);
  return { token, expiresOn: Math.round(expiresOnTimestamp / 1000) };
}

const clients = {
  credential: () => byCredential(new ManagedIdentityCredential(task.ids)),
  default: () => byCredential(new DefaultAzureCredential({ managedIdentityClientId: task.ids.clientId })),
  msal: async () => {
    const { clientId, objectId, resourceId } = task.ids;
    const app = new ManagedIdentityApplication({
      managedIdentityIdParams: {
        userAssignedClientId: clientId,
        userAssignedObjectId: objectId,
        userAssignedResourceId: resourceId,
      },
    });
    await app.acquireToken({ resource: task.resource });
    const { accessToken, expiresOn, fromCache } = await app.acquireToken({ resource: task.resource });
    return { token: accessToken, expiresOn: Math.round(expiresOn.getTime() / 1000), fromCache };
  },
};

try {
  console.log(JSON.stringify({ result: await clients[task.client]() }));
} catch (error) {
  console.log(JSON.stringify({ error: { name: error.name, message: error.message } }));
}
process.exit(0);

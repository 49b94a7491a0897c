// Runs one flow with MSAL4J or azure-identity and prints the result.
//
// In:  one JSON line on stdin, {"client": "msal4j" or "azure-identity", "flow": ..., "authority": ..., "host": ...}.
// Out: JSON lines on stdout: {"device": code} requests a sign-in, {"result": ...} or {"error": ...} ends.

import com.azure.core.credential.TokenCredential;
import com.azure.core.credential.TokenRequestContext;
import com.azure.identity.ClientCertificateCredentialBuilder;
import com.azure.identity.ClientSecretCredentialBuilder;
import com.azure.identity.DeviceCodeCredentialBuilder;
import com.azure.identity.UsernamePasswordCredentialBuilder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.microsoft.aad.msal4j.ClientCredentialFactory;
import com.microsoft.aad.msal4j.ClientCredentialParameters;
import com.microsoft.aad.msal4j.ConfidentialClientApplication;
import com.microsoft.aad.msal4j.DeviceCodeFlowParameters;
import com.microsoft.aad.msal4j.IAuthenticationResult;
import com.microsoft.aad.msal4j.IClientCredential;
import com.microsoft.aad.msal4j.PublicClientApplication;
import com.microsoft.aad.msal4j.SilentParameters;
import com.microsoft.aad.msal4j.UserNamePasswordParameters;
import java.io.ByteArrayInputStream;
import java.io.FileInputStream;
import java.nio.charset.StandardCharsets;
import java.security.KeyFactory;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

public final class Flows {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] arguments) throws Exception {
        JsonNode task = JSON.readTree(System.in);
        try {
            boolean isMsal = text(task, "client").equals("msal4j");
            tell("result", isMsal ? withMsal(task) : withAzureIdentity(task));
        } catch (Exception error) {
            Throwable cause = error.getCause() == null ? error : error.getCause();
            tell("error", Map.of("message", String.valueOf(cause.getMessage())));
        }
        System.exit(0);
    }

    private static void tell(String name, Object value) {
        try {
            System.out.println(JSON.writeValueAsString(Map.of(name, value)));
        } catch (com.fasterxml.jackson.core.JsonProcessingException error) {
            throw new IllegalStateException(error);
        }
    }

    private static String text(JsonNode task, String name) {
        return task.path(name).asText();
    }

    private static Set<String> scopes(JsonNode task) {
        Set<String> found = new HashSet<>();
        task.path("scopes").forEach(scope -> found.add(scope.asText()));
        return found;
    }

    private static Map<String, Object> withMsal(JsonNode task) throws Exception {
        String flow = text(task, "flow");
        if (flow.equals("secret") || flow.equals("certificate")) {
            ConfidentialClientApplication app =
                ConfidentialClientApplication.builder(text(task, "clientId"), credential(task))
                    .authority(text(task, "authority")).validateAuthority(false).instanceDiscovery(false).build();
            String token =
                app.acquireToken(ClientCredentialParameters.builder(scopes(task)).build()).get().accessToken();
            return Map.of("accessToken", token);
        }
        PublicClientApplication app =
            PublicClientApplication.builder(text(task, "clientId"))
                .authority(text(task, "authority")).validateAuthority(false).instanceDiscovery(false).build();
        IAuthenticationResult first = flow.equals("device")
            ? app.acquireToken(
                DeviceCodeFlowParameters.builder(scopes(task), code -> tell("device", code.userCode())).build()).get()
            : app.acquireToken(
                UserNamePasswordParameters.builder(
                    scopes(task), text(task, "username"), text(task, "password").toCharArray()).build()).get();
        // This token comes from the cache: the client finds the scopes of the first answer again.
        return result(
            app.acquireTokenSilently(SilentParameters.builder(scopes(task), first.account()).build()).get(),
            first.accessToken());
    }

    private static Map<String, Object> result(IAuthenticationResult found, String first) {
        Map<String, Object> answer = new HashMap<>();
        answer.put("accessToken", found.accessToken());
        answer.put("fromCache", found.accessToken().equals(first));
        answer.put("username", found.account().username());
        return answer;
    }

    private static IClientCredential credential(JsonNode task) throws Exception {
        if (text(task, "flow").equals("secret")) {
            return ClientCredentialFactory.createFromSecret(text(task, "clientSecret"));
        }
        byte[] pem;
        try (FileInputStream file = new FileInputStream(text(task, "certificatePath"))) {
            pem = file.readAllBytes();
        }
        String text = new String(pem, StandardCharsets.US_ASCII);
        String key = text.replaceAll("(?s).*-----BEGIN PRIVATE KEY-----(.*)-----END PRIVATE KEY-----.*", "$1");
        X509Certificate certificate =
            (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(pem));
        return ClientCredentialFactory.createFromCertificate(
            KeyFactory.getInstance("RSA").generatePrivate(
                new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(key))),
            certificate);
    }

    private static Map<String, Object> withAzureIdentity(JsonNode task) {
        TokenRequestContext wanted = new TokenRequestContext();
        scopes(task).forEach(wanted::addScopes);
        return Map.of("accessToken", azureCredential(task).getTokenSync(wanted).getToken());
    }

    private static TokenCredential azureCredential(JsonNode task) {
        String host = text(task, "host"), tenant = text(task, "tenant"), client = text(task, "clientId");
        switch (text(task, "flow")) {
            case "secret":
                return new ClientSecretCredentialBuilder().authorityHost(host).disableInstanceDiscovery()
                    .tenantId(tenant).clientId(client).clientSecret(text(task, "clientSecret")).build();
            case "certificate":
                return new ClientCertificateCredentialBuilder().authorityHost(host).disableInstanceDiscovery()
                    .tenantId(tenant).clientId(client).pemCertificate(text(task, "certificatePath")).build();
            case "device":
                return new DeviceCodeCredentialBuilder().authorityHost(host).disableInstanceDiscovery()
                    .tenantId(tenant).clientId(client)
                    .challengeConsumer(challenge -> tell("device", challenge.getUserCode())).build();
            default:
                return new UsernamePasswordCredentialBuilder().authorityHost(host).disableInstanceDiscovery()
                    .tenantId(tenant).clientId(client)
                    .username(text(task, "username")).password(text(task, "password")).build();
        }
    }
}

// Runs one flow with MSAL Go or azidentity, or one scenario with msgraph-sdk-go, and prints the result.
//
// In:  one JSON line on stdin, {"client": "msal", "azidentity" or "msgraph", "flow": ..., "authority": ..., "host": ...}.
// Out: JSON lines on stdout: {"device": code} requests a sign-in, {"result": ...} or {"error": ...} ends.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

type task struct {
	Client, Flow, Authority, Host, Tenant string
	ClientID                              string `json:"clientId"`
	ClientSecret                          string `json:"clientSecret"`
	Certificate                           string
	Username, Password                    string
	Assertion                             string
	UserAssertion                         string `json:"userAssertion"`
	Connection                            string
	Scenario                              string
	Scopes                                []string
}

type result struct {
	AccessToken string   `json:"accessToken"`
	Username    string   `json:"username"`
	Declined    []string `json:"declined"`
	FromCache   bool     `json:"fromCache"`
}

func tell(name string, value any) {
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{name: value})
}

func main() {
	var one task
	if err := json.NewDecoder(os.Stdin).Decode(&one); err != nil {
		panic(err)
	}
	clients := map[string]func(context.Context, task) (any, error){
		"msal":       func(ctx context.Context, one task) (any, error) { return withMSAL(ctx, one) },
		"azidentity": func(ctx context.Context, one task) (any, error) { return withAzidentity(ctx, one) },
		"msgraph":    withGraph,
	}
	found, err := clients[one.Client](context.Background(), one)
	if err != nil {
		tell("error", map[string]string{"message": err.Error()})
		return
	}
	tell("result", found)
}

func withMSAL(ctx context.Context, one task) (result, error) {
	switch one.Flow {
	case "secret", "certificate":
		credential, err := confidentialCredential(one)
		if err != nil {
			return result{}, err
		}
		app, err := confidential.New(one.Authority, one.ClientID, credential, confidential.WithInstanceDiscovery(false))
		if err != nil {
			return result{}, err
		}
		if _, err := app.AcquireTokenByCredential(ctx, one.Scopes); err != nil {
			return result{}, err
		}
		// The second token comes from the cache: the client finds the scopes of the first answer again.
		found, err := app.AcquireTokenByCredential(ctx, one.Scopes)
		return result{AccessToken: found.AccessToken, FromCache: found.Metadata.TokenSource == confidential.TokenSourceCache}, err
	case "onBehalfOf":
		credential, err := confidential.NewCredFromSecret(one.ClientSecret)
		if err != nil {
			return result{}, err
		}
		app, err := confidential.New(one.Authority, one.ClientID, credential, confidential.WithInstanceDiscovery(false))
		if err != nil {
			return result{}, err
		}
		if _, err := app.AcquireTokenOnBehalfOf(ctx, one.UserAssertion, one.Scopes); err != nil {
			return result{}, err
		}
		found, err := app.AcquireTokenOnBehalfOf(ctx, one.UserAssertion, one.Scopes)
		return result{
			AccessToken: found.AccessToken,
			Username:    found.Account.PreferredUsername,
			FromCache:   found.Metadata.TokenSource == confidential.TokenSourceCache,
		}, err
	case "device", "password":
		app, err := public.New(one.ClientID, public.WithAuthority(one.Authority), public.WithInstanceDiscovery(false))
		if err != nil {
			return result{}, err
		}
		first, err := signIn(ctx, app, one)
		if err != nil {
			return result{}, err
		}
		found, err := app.AcquireTokenSilent(ctx, one.Scopes, public.WithSilentAccount(first.Account))
		if err != nil {
			return result{}, err
		}
		return result{
			AccessToken: found.AccessToken,
			Username:    first.Account.PreferredUsername,
			Declined:    first.DeclinedScopes,
			FromCache:   found.Metadata.TokenSource == public.TokenSourceCache,
		}, nil
	}
	return result{}, errors.New("unknown flow")
}

func confidentialCredential(one task) (confidential.Credential, error) {
	if one.Flow == "secret" {
		return confidential.NewCredFromSecret(one.ClientSecret)
	}
	certificates, key, err := confidential.CertFromPEM([]byte(one.Certificate), "")
	if err != nil {
		return confidential.Credential{}, err
	}
	return confidential.NewCredFromCert(certificates, key)
}

func signIn(ctx context.Context, app public.Client, one task) (public.AuthResult, error) {
	if one.Flow == "password" {
		return app.AcquireTokenByUsernamePassword(ctx, one.Scopes, one.Username, one.Password)
	}
	code, err := app.AcquireTokenByDeviceCode(ctx, one.Scopes)
	if err != nil {
		return public.AuthResult{}, err
	}
	tell("device", code.Result.UserCode)
	return code.AuthenticationResult(ctx)
}

func withAzidentity(ctx context.Context, one task) (result, error) {
	credential, err := azidentityCredential(one)
	if err != nil {
		return result{}, err
	}
	found, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: one.Scopes})
	return result{AccessToken: found.Token}, err
}

func azidentityCredential(one task) (azcore.TokenCredential, error) {
	options := azcore.ClientOptions{Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: one.Host}}
	switch one.Flow {
	case "secret":
		return azidentity.NewClientSecretCredential(one.Tenant, one.ClientID, one.ClientSecret,
			&azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
	case "certificate":
		certificates, key, err := azidentity.ParseCertificates([]byte(one.Certificate), nil)
		if err != nil {
			return nil, err
		}
		return azidentity.NewClientCertificateCredential(one.Tenant, one.ClientID, certificates, key,
			&azidentity.ClientCertificateCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
	case "workload":
		return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
			ClientOptions: options, DisableInstanceDiscovery: true})
	case "pipelines":
		return azidentity.NewAzurePipelinesCredential(one.Tenant, one.ClientID, one.Connection, os.Getenv("SYSTEM_ACCESSTOKEN"),
			&azidentity.AzurePipelinesCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
	case "assertion":
		return azidentity.NewClientAssertionCredential(one.Tenant, one.ClientID,
			func(context.Context) (string, error) { return one.Assertion, nil },
			&azidentity.ClientAssertionCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
	case "onBehalfOf":
		return azidentity.NewOnBehalfOfCredentialWithSecret(one.Tenant, one.ClientID, one.UserAssertion, one.ClientSecret,
			&azidentity.OnBehalfOfCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
	case "device":
		return azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
			ClientOptions: options, DisableInstanceDiscovery: true, TenantID: one.Tenant, ClientID: one.ClientID,
			UserPrompt: func(_ context.Context, message azidentity.DeviceCodeMessage) error {
				tell("device", message.UserCode)
				return nil
			},
		})
	case "password":
		//lint:ignore SA1019 the deprecated flow is tested as long as the client has it
		return azidentity.NewUsernamePasswordCredential(one.Tenant, one.ClientID, one.Username, one.Password,
			&azidentity.UsernamePasswordCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
	}
	return nil, errors.New("unknown flow")
}

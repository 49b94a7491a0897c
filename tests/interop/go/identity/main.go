// Gets a token with azidentity or MSAL Go on the host that the environment describes, and prints it.
//
// In:  one JSON line on stdin, {"client": "azidentity", "default" or "msal", "clientId": ..., "objectId": ...,
// "resourceId": ...}.
// Out: one JSON line on stdout, {"result": {...}} or {"error": {"message": ...}}.
package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	msal "github.com/AzureAD/microsoft-authentication-library-for-go/apps/managedidentity"
)

const (
	scope    = "https://graph.microsoft.com/.default"
	resource = "https://graph.microsoft.com"
)

type task struct {
	Client     string
	ClientID   string `json:"clientId"`
	ObjectID   string `json:"objectId"`
	ResourceID string `json:"resourceId"`
}

type result struct {
	Token     string `json:"token"`
	ExpiresOn int64  `json:"expiresOn"`
	FromCache bool   `json:"fromCache"`
}

// machine sends requests for the address of IMDS, which both clients have built in, to the address in the environment.
type machine struct{ *http.Client }

func (one machine) Do(request *http.Request) (*http.Response, error) {
	if request.URL.Host == "169.254.169.254" {
		place, err := url.Parse(os.Getenv("AZURE_POD_IDENTITY_AUTHORITY_HOST"))
		if err != nil {
			return nil, err
		}
		request.URL.Host, request.Host = place.Host, place.Host
	}
	return one.Client.Do(request)
}

func main() {
	var one task
	if err := json.NewDecoder(os.Stdin).Decode(&one); err != nil {
		panic(err)
	}
	clients := map[string]func(context.Context, task) (result, error){
		"azidentity": withCredential, "default": withDefault, "msal": withMSAL,
	}
	found, err := clients[one.Client](context.Background(), one)
	told := map[string]any{"result": found}
	if err != nil {
		told = map[string]any{"error": map[string]string{"message": err.Error()}}
	}
	_ = json.NewEncoder(os.Stdout).Encode(told)
}

func options() azcore.ClientOptions {
	if os.Getenv("AZURE_POD_IDENTITY_AUTHORITY_HOST") == "" {
		return azcore.ClientOptions{}
	}
	return azcore.ClientOptions{Transport: machine{&http.Client{}}}
}

func withCredential(ctx context.Context, one task) (result, error) {
	var id azidentity.ManagedIDKind
	switch {
	case one.ClientID != "":
		id = azidentity.ClientID(one.ClientID)
	case one.ObjectID != "":
		id = azidentity.ObjectID(one.ObjectID)
	case one.ResourceID != "":
		id = azidentity.ResourceID(one.ResourceID)
	}
	credential, err := azidentity.NewManagedIdentityCredential(
		&azidentity.ManagedIdentityCredentialOptions{ClientOptions: options(), ID: id})
	return tokenOf(ctx, credential, err)
}

func withDefault(ctx context.Context, _ task) (result, error) {
	credential, err := azidentity.NewDefaultAzureCredential(
		&azidentity.DefaultAzureCredentialOptions{ClientOptions: options()})
	return tokenOf(ctx, credential, err)
}

func tokenOf(ctx context.Context, credential azcore.TokenCredential, err error) (result, error) {
	if err != nil {
		return result{}, err
	}
	found, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
	return result{Token: found.Token, ExpiresOn: found.ExpiresOn.Unix()}, err
}

func withMSAL(ctx context.Context, one task) (result, error) {
	id := msal.SystemAssigned()
	switch {
	case one.ClientID != "":
		id = msal.UserAssignedClientID(one.ClientID)
	case one.ObjectID != "":
		id = msal.UserAssignedObjectID(one.ObjectID)
	case one.ResourceID != "":
		id = msal.UserAssignedResourceID(one.ResourceID)
	}
	var extra []msal.ClientOption
	if os.Getenv("AZURE_POD_IDENTITY_AUTHORITY_HOST") != "" {
		extra = append(extra, msal.WithHTTPClient(machine{&http.Client{Timeout: 30 * time.Second}}))
	}
	app, err := msal.New(id, extra...)
	if err != nil {
		return result{}, err
	}
	if _, err := app.AcquireToken(ctx, resource); err != nil {
		return result{}, err
	}
	// The second token comes from the cache.
	found, err := app.AcquireToken(ctx, resource)
	return result{
		Token:     found.AccessToken,
		ExpiresOn: found.ExpiresOn.Unix(),
		FromCache: found.Metadata.TokenSource == msal.TokenSourceCache,
	}, err
}

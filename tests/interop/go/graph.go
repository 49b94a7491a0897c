package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	abstractions "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoft/kiota-abstractions-go/serialization"
	"github.com/microsoft/kiota-abstractions-go/store"
	jsonserialization "github.com/microsoft/kiota-serialization-json-go"
	core "github.com/microsoftgraph/msgraph-sdk-go-core"
	"github.com/microsoftgraph/msgraph-sdk-go-core/authentication"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/models/odataerrors"
	"github.com/microsoftgraph/msgraph-sdk-go/users"
)

// directory sends requests with msgraph-sdk-go. Each of its methods is one scenario.
//
// It uses the SDK's package of users and its core. The SDK's GraphServiceClient does no more than to register the
// serializers and to pass the base URL on, but it imports all packages, which take four times as long to compile.
type directory struct {
	adapter *core.GraphRequestAdapterBase
	users   *users.UsersRequestBuilder
}

func withGraph(ctx context.Context, one task) (any, error) {
	credential, err := azidentityCredential(one)
	if err != nil {
		return nil, err
	}
	provider, err := authentication.NewAzureIdentityAuthenticationProviderWithScopesAndValidHosts(
		credential, one.Scopes, []string{"localhost"})
	if err != nil {
		return nil, err
	}
	abstractions.RegisterDefaultSerializer(func() serialization.SerializationWriterFactory {
		return jsonserialization.NewJsonSerializationWriterFactory()
	})
	abstractions.RegisterDefaultDeserializer(func() serialization.ParseNodeFactory {
		return jsonserialization.NewJsonParseNodeFactory()
	})
	errorsOfItems := abstractions.ErrorMappings{"4XX": odataerrors.CreateODataErrorFromDiscriminatorValue}
	if err := core.RegisterError(core.BatchRequestErrorRegistryKey, errorsOfItems); err != nil {
		return nil, err
	}
	adapter, err := core.NewGraphRequestAdapterBase(provider, core.GraphClientOptions{})
	if err != nil {
		return nil, err
	}
	adapter.SetBaseUrl(one.Host + "/v1.0")
	adapter.EnableBackingStore(store.BackingStoreFactoryInstance)
	graph := directory{
		adapter: adapter,
		users:   users.NewUsersRequestBuilderInternal(map[string]string{"baseurl": adapter.GetBaseUrl()}, adapter),
	}
	switch one.Scenario {
	case "me":
		return graph.me(ctx)
	case "list":
		return graph.list(ctx)
	case "batch":
		return graph.batch(ctx, one.Username)
	case "delta":
		return graph.delta(ctx)
	case "refusal":
		return graph.refusal(ctx)
	}
	return nil, errors.New("unknown scenario")
}

func (graph directory) me(ctx context.Context) (any, error) {
	// The SDK's own replacement of /me.
	found, err := graph.users.ByUserId("me-token-to-replace").Get(ctx, nil)
	if err != nil {
		return nil, err
	}
	return map[string]any{"username": found.GetUserPrincipalName()}, nil
}

// list reads all users in pages of two.
func (graph directory) list(ctx context.Context) (any, error) {
	top := int32(2)
	page, err := graph.users.Get(ctx, &users.UsersRequestBuilderGetRequestConfiguration{
		QueryParameters: &users.UsersRequestBuilderGetQueryParameters{Top: &top, Select: []string{"displayName"}},
	})
	if err != nil {
		return nil, err
	}
	iterator, err := core.NewPageIterator[models.Userable](
		page, graph.adapter, models.CreateUserCollectionResponseFromDiscriminatorValue)
	if err != nil {
		return nil, err
	}
	names := []string{}
	err = iterator.Iterate(ctx, func(one models.Userable) bool {
		names = append(names, *one.GetDisplayName())
		return true
	})
	return map[string]any{"names": names}, err
}

// batch reads a user, changes its job title, reads it again after that, and reads a user that does not exist.
func (graph directory) batch(ctx context.Context, username string) (any, error) {
	known := graph.users.ByUserId(username)
	read, err := known.ToGetRequestInformation(ctx, &users.UserItemRequestBuilderGetRequestConfiguration{
		QueryParameters: &users.UserItemRequestBuilderGetQueryParameters{Select: []string{"displayName", "jobTitle"}},
	})
	if err != nil {
		return nil, err
	}
	title := "Clerk"
	changes := models.NewUser()
	changes.SetJobTitle(&title)
	change, err := known.ToPatchRequestInformation(ctx, changes, nil)
	if err != nil {
		return nil, err
	}
	unknown, err := graph.users.ByUserId(uuid.NewString()).ToGetRequestInformation(ctx, nil)
	if err != nil {
		return nil, err
	}
	batch := core.NewBatchRequest(graph.adapter)
	items := []core.BatchItem{}
	for _, request := range []*abstractions.RequestInformation{change, read, unknown} {
		item, err := batch.AddBatchRequestStep(*request)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	items[1].DependsOnItem(items[0])
	answers, err := batch.Send(ctx, graph.adapter)
	if err != nil {
		return nil, err
	}
	found, err := core.GetBatchResponseById[models.Userable](
		answers, *items[1].GetId(), models.CreateUserFromDiscriminatorValue)
	if err != nil {
		return nil, err
	}
	_, missing := core.GetBatchResponseById[models.Userable](
		answers, *items[2].GetId(), models.CreateUserFromDiscriminatorValue)
	return map[string]any{
		"status": answers.GetResponseById(*items[0].GetId()).GetStatus(),
		"name":   found.GetDisplayName(),
		"title":  found.GetJobTitle(),
		"code":   codeOf(missing),
	}, nil
}

// delta reads all users, adds one and deletes it, and reads the changes after each step.
func (graph directory) delta(ctx context.Context) (any, error) {
	first, link, err := graph.changes(ctx, "")
	if err != nil {
		return nil, err
	}
	made, err := graph.users.Post(ctx, newUser("Una"), nil)
	if err != nil {
		return nil, err
	}
	second, link, err := graph.changes(ctx, link)
	if err != nil {
		return nil, err
	}
	if err := graph.users.ByUserId(*made.GetId()).Delete(ctx, nil); err != nil {
		return nil, err
	}
	third, _, err := graph.changes(ctx, link)
	return map[string]any{"first": first, "second": second, "third": third}, err
}

// changes returns the names of the changed users, `removed` for deleted ones, and the next delta link.
func (graph directory) changes(ctx context.Context, link string) ([]string, string, error) {
	names := []string{}
	query := graph.users.Delta()
	options := &users.DeltaRequestBuilderGetRequestConfiguration{
		QueryParameters: &users.DeltaRequestBuilderGetQueryParameters{Select: []string{"displayName"}},
	}
	if link != "" {
		query, options = query.WithUrl(link), nil
	}
	for {
		page, err := query.GetAsDeltaGetResponse(ctx, options)
		if err != nil {
			return nil, "", err
		}
		for _, one := range page.GetValue() {
			if _, isRemoved := one.GetAdditionalData()["@removed"]; isRemoved {
				names = append(names, "removed")
			} else {
				names = append(names, *one.GetDisplayName())
			}
		}
		if end := page.GetOdataDeltaLink(); end != nil {
			return names, *end, nil
		}
		query, options = query.WithUrl(*page.GetOdataNextLink()), nil
	}
}

// refusal creates a user without its required properties.
func (graph directory) refusal(ctx context.Context) (any, error) {
	name := "Nobody"
	nobody := models.NewUser()
	nobody.SetDisplayName(&name)
	_, err := graph.users.Post(ctx, nobody, nil)
	return map[string]any{"code": codeOf(err)}, nil
}

func newUser(name string) models.Userable {
	isEnabled, mustChange := true, false
	username, password := name+"@contoso.example", "Fresh-Pass-1"
	profile := models.NewPasswordProfile()
	profile.SetPassword(&password)
	profile.SetForceChangePasswordNextSignIn(&mustChange)
	user := models.NewUser()
	user.SetAccountEnabled(&isEnabled)
	user.SetDisplayName(&name)
	user.SetMailNickname(&name)
	user.SetUserPrincipalName(&username)
	user.SetPasswordProfile(profile)
	return user
}

// codeOf returns the code in an error of the service; any other error as a string.
func codeOf(err error) string {
	var refused *odataerrors.ODataError
	if errors.As(err, &refused) {
		return *refused.GetErrorEscaped().GetCode()
	}
	return fmt.Sprint(err)
}

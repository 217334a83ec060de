package wire

// Auth is how to get into a repository. The zero value is for public ones.
type Auth struct {
	Username, Password string
	// BearerToken goes into the HTTP header in place of a password.
	BearerToken string
	// ForceBasic sends the bearer token as a password, for servers that know
	// no other form.
	ForceBasic bool
	// GitHubApp, where it is set, gets its own password.
	GitHubApp *GitHubApp
	// SSHPrivateKey is a PEM block, encrypted with Password if at all.
	// KnownHosts holds lines in the format of OpenSSH's file of that name.
	// Where it is empty the user's own is used.
	SSHPrivateKey, KnownHosts string
	// Insecure accepts any server certificate or SSH host key.
	Insecure bool
	// CA is a bundle of further PEM certificates to trust.
	CA []byte
	// ClientCert and ClientKey are PEM blocks that we show to the server.
	ClientCert, ClientKey []byte
	// Proxy is the URL of a proxy for HTTP; NoProxy lists hosts that are
	// asked without it, in the form of the environment variable NO_PROXY.
	// Where both are empty the environment counts.
	Proxy, NoProxy string
}

// GitHubApp is an application that is installed in an organisation.
type GitHubApp struct {
	AppID, InstallationID int64
	// PrivateKey is a PEM block.
	PrivateKey []byte
	// BaseURL is the API's; empty is https://api.github.com.
	BaseURL string
}

// basic is the user and the password for HTTP, if there are any.
func (a Auth) basic() (user, password string, ok bool) {
	user, password = a.Username, a.Password
	if password == "" && a.ForceBasic {
		password = a.BearerToken
	}
	if user == "" && password == "" || a.BearerToken != "" && !a.ForceBasic {
		return "", "", false
	}
	if user == "" {
		user = "git" // forges take any name beside a token
	}
	return user, password, true
}

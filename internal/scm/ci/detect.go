package ci

import (
	"cmp"
	"encoding/json"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Job is what the environment tells.
type Job struct {
	// System is the name of what runs the job, as people write it.
	System string
	Place
	// Number is of the pull request; 0 is that the job is not of one.
	Number int64
	// Head is the commit at the end of the branch to merge; empty where only the
	// forge knows it.
	Head string
	// Target is the branch to merge into, Base a commit of it; empty where only
	// the forge knows them.
	Target, Base string
	// Fork: the change comes from another repository, so that secrets are likely
	// kept from the job.
	Fork bool
	// Untold: the environment does not tell whether the change comes from another
	// repository, and Fork says nothing. Only the forge knows.
	Untold bool
	// URL is the page of the job; empty where it is not told.
	URL string
	// Summary is a file that the system shows the Markdown of; empty is none.
	Summary string
	// Deeper tells how the job gets more of the history.
	Deeper string
}

// Environment is what variables and files say.
type Environment struct {
	Getenv   func(string) string
	ReadFile func(string) ([]byte, error)
}

// Real is the process's.
func Real() Environment { return Environment{os.Getenv, os.ReadFile} }

// Detect finds the system that runs the job. None is fault.Missing; one whose
// variables make no sense is fault.Invalid. A job that is not of a pull
// request has Number 0.
func (e Environment) Detect() (Job, error) {
	for _, system := range []struct {
		is     bool
		detect func() (Job, error)
	}{
		// These have GitHub's variables, too.
		{e.is("GITEA_ACTIONS") || e.is("FORGEJO_ACTIONS"), e.giteaActions},
		{e.is("GITHUB_ACTIONS"), e.githubActions},
		{e.is("GITLAB_CI"), e.gitlab},
		{e.Getenv("BITBUCKET_BUILD_NUMBER") != "", e.bitbucket},
		{e.is("TF_BUILD"), e.azure},
		{e.Getenv("CI") == "woodpecker" || e.Getenv("CI_SYSTEM_NAME") == "woodpecker", e.woodpecker},
		{e.Getenv("JENKINS_URL") != "", e.jenkins},
		{e.is("CIRCLECI"), e.circle},
	} {
		if system.is {
			return system.detect()
		}
	}
	return Job{}, fault.New(fault.Missing, "this is not a job of a CI system that is known here")
}

func (e Environment) is(name string) bool { return strings.EqualFold(e.Getenv(name), "true") }

// number reads a positive one; what is not set is 0.
func (e Environment) number(name string) (int64, error) {
	text := e.Getenv(name)
	if text == "" || text == "false" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		return 0, fault.New(fault.Invalid, "%s is %q, which is not the number of a pull request", name, text)
	}
	return n, nil
}

// event is what a file of GitHub's, or of those like it, says.
type event struct {
	Number int64 `json:"number"`
	Issue  *struct {
		Number int64     `json:"number"`
		Pull   *struct{} `json:"pull_request"`
	} `json:"issue"`
	Pull *struct {
		Number int64 `json:"number"`
		Head   end   `json:"head"`
		Base   end   `json:"base"`
	} `json:"pull_request"`
}

type end struct {
	Ref  string `json:"ref"`
	SHA  string `json:"sha"`
	Repo *struct {
		ID int64 `json:"id"`
	} `json:"repo"`
}

// actions reads what GitHub Actions and those like it have in common.
func (e Environment) actions(j Job) (Job, error) {
	owner, repo, ok := strings.Cut(e.Getenv("GITHUB_REPOSITORY"), "/")
	if !ok {
		return j, fault.New(fault.Invalid, "GITHUB_REPOSITORY is %q, which is not owner/name", e.Getenv("GITHUB_REPOSITORY"))
	}
	j.Owner, j.Repo, j.Summary, j.Deeper = owner, repo, e.Getenv("GITHUB_STEP_SUMMARY"), "give actions/checkout fetch-depth: 0"
	j.Target = e.Getenv("GITHUB_BASE_REF")
	if id := e.Getenv("GITHUB_RUN_ID"); id != "" && e.Getenv("GITHUB_SERVER_URL") != "" {
		j.URL = e.Getenv("GITHUB_SERVER_URL") + "/" + owner + "/" + repo + "/actions/runs/" + id
	}
	if rest, ok := strings.CutPrefix(e.Getenv("GITHUB_REF"), "refs/pull/"); ok {
		number, _, _ := strings.Cut(rest, "/")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil && n > 0 {
			j.Number = n
		}
	}
	j.Untold = j.Number > 0
	file := e.Getenv("GITHUB_EVENT_PATH")
	if file == "" {
		return j, nil
	}
	data, err := e.ReadFile(file)
	if err != nil {
		return j, fault.New(fault.Invalid, "read the event of the job in GITHUB_EVENT_PATH: %v", err)
	}
	var ev event
	if err := json.Unmarshal(data, &ev); err != nil {
		return j, fault.New(fault.Invalid, "read the event of the job in GITHUB_EVENT_PATH: %v", err)
	}
	switch {
	case ev.Pull != nil:
		j.Number = cmp.Or(ev.Pull.Number, ev.Number, j.Number)
		j.Head, j.Base, j.Target = ev.Pull.Head.SHA, ev.Pull.Base.SHA, cmp.Or(ev.Pull.Base.Ref, j.Target)
		j.Untold = ev.Pull.Base.Repo == nil
		j.Fork = ev.Pull.Head.Repo == nil || !j.Untold && ev.Pull.Head.Repo.ID != ev.Pull.Base.Repo.ID
	case ev.Issue != nil && ev.Issue.Pull != nil: // a comment in it
		j.Number, j.Untold = ev.Issue.Number, true
	}
	return j, nil
}

func (e Environment) githubActions() (Job, error) {
	api := e.Getenv("GITHUB_API_URL")
	if api == "https://api.github.com" {
		api = ""
	}
	return e.actions(Job{System: "GitHub Actions", Place: Place{Forge: GitHub, API: api}})
}

func (e Environment) giteaActions() (Job, error) {
	// The address of the API is below that of the server, which may be in a
	// folder.
	api := cmp.Or(e.Getenv("GITHUB_SERVER_URL"), strings.TrimSuffix(e.Getenv("GITHUB_API_URL"), "/api/v1"))
	name := "Gitea Actions"
	if e.is("FORGEJO_ACTIONS") {
		name = "Forgejo Actions"
	}
	return e.actions(Job{System: name, Place: Place{Forge: Gitea, API: strings.TrimSuffix(api, "/")}})
}

func (e Environment) gitlab() (Job, error) {
	project := cmp.Or(e.Getenv("CI_MERGE_REQUEST_PROJECT_PATH"), e.Getenv("CI_PROJECT_PATH"))
	i := strings.LastIndex(project, "/")
	if i < 0 {
		return Job{}, fault.New(fault.Invalid, "CI_PROJECT_PATH is %q, which is not group/project", project)
	}
	api := strings.TrimSuffix(e.Getenv("CI_SERVER_URL"), "/")
	if api == "https://gitlab.com" {
		api = ""
	}
	j := Job{
		System: "GitLab CI", Place: Place{Forge: GitLab, API: api, Owner: project[:i], Repo: project[i+1:]},
		// Of a pipeline of merged results, CI_COMMIT_SHA is the merge.
		Head:   cmp.Or(e.Getenv("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"), e.Getenv("CI_COMMIT_SHA")),
		Target: e.Getenv("CI_MERGE_REQUEST_TARGET_BRANCH_NAME"), Base: cmp.Or(e.Getenv("CI_MERGE_REQUEST_TARGET_BRANCH_SHA"), e.Getenv("CI_MERGE_REQUEST_DIFF_BASE_SHA")),
		URL: e.Getenv("CI_JOB_URL"), Deeper: `set the variable GIT_DEPTH: "0"`,
	}
	j.Fork = e.Getenv("CI_MERGE_REQUEST_SOURCE_PROJECT_ID") != e.Getenv("CI_MERGE_REQUEST_PROJECT_ID")
	var err error
	if j.Number, err = e.number("CI_MERGE_REQUEST_IID"); err != nil || j.Number > 0 {
		return j, err
	}
	// A pipeline of a branch names the merge requests of it: group/project!7,...
	first, _, _ := strings.Cut(e.Getenv("CI_OPEN_MERGE_REQUESTS"), ",")
	if of, number, ok := strings.Cut(first, "!"); ok && of == project {
		if n, err := strconv.ParseInt(number, 10, 64); err == nil && n > 0 {
			j.Number = n
		}
	}
	return j, nil
}

func (e Environment) bitbucket() (Job, error) {
	j := Job{
		System: "Bitbucket Pipelines", Place: Place{Forge: Bitbucket, Owner: e.Getenv("BITBUCKET_WORKSPACE"), Repo: e.Getenv("BITBUCKET_REPO_SLUG")},
		Head: e.Getenv("BITBUCKET_COMMIT"), Target: e.Getenv("BITBUCKET_PR_DESTINATION_BRANCH"), Base: e.Getenv("BITBUCKET_PR_DESTINATION_COMMIT"),
		Deeper: "set clone: depth: full",
	}
	if j.Owner == "" || j.Repo == "" {
		return j, fault.New(fault.Invalid, "BITBUCKET_WORKSPACE or BITBUCKET_REPO_SLUG is empty")
	}
	j.URL = "https://bitbucket.org/" + j.Owner + "/" + j.Repo + "/pipelines/results/" + e.Getenv("BITBUCKET_BUILD_NUMBER")
	var err error
	j.Number, err = e.number("BITBUCKET_PR_ID")
	return j, err
}

func (e Environment) azure() (Job, error) {
	j := Job{
		System: "Azure Pipelines", Head: e.Getenv("SYSTEM_PULLREQUEST_SOURCECOMMITID"), Fork: e.is("SYSTEM_PULLREQUEST_ISFORK"),
		Target: strings.TrimPrefix(e.Getenv("SYSTEM_PULLREQUEST_TARGETBRANCH"), "refs/heads/"), Deeper: "give the step checkout fetchDepth: 0",
	}
	collection := strings.TrimSuffix(e.Getenv("SYSTEM_COLLECTIONURI"), "/")
	if id := e.Getenv("BUILD_BUILDID"); id != "" && collection != "" {
		j.URL = collection + "/" + url.PathEscape(e.Getenv("SYSTEM_TEAMPROJECT")) + "/_build/results?buildId=" + url.QueryEscape(id)
	}
	name := "SYSTEM_PULLREQUEST_PULLREQUESTID"
	switch provider := e.Getenv("BUILD_REPOSITORY_PROVIDER"); provider {
	case "TfsGit":
		u, err := url.Parse(collection)
		if err != nil || u.Host == "" {
			return j, fault.New(fault.Invalid, "SYSTEM_COLLECTIONURI is %q, which is not a URL", collection)
		}
		j.Place = Place{Forge: AzureDevOps, Owner: e.Getenv("SYSTEM_TEAMPROJECT"), Repo: e.Getenv("BUILD_REPOSITORY_NAME")}
		if organization, old := strings.CutSuffix(u.Host, ".visualstudio.com"); old {
			j.Organization = organization
		} else {
			i := strings.LastIndex(collection, "/")
			j.Organization = collection[i+1:]
			if j.API = collection[:i]; j.API == "https://dev.azure.com" {
				j.API = ""
			}
		}
	case "GitHub", "GitHubEnterprise", "Bitbucket":
		j.Forge = GitHub
		if provider == "Bitbucket" {
			j.Forge = Bitbucket
		} else {
			name = "SYSTEM_PULLREQUEST_PULLREQUESTNUMBER"
		}
		if u, err := url.Parse(e.Getenv("BUILD_REPOSITORY_URI")); provider == "GitHubEnterprise" && err == nil && u.Host != "" {
			j.API = u.Scheme + "://" + u.Host
		}
		j.Owner, j.Repo, _ = strings.Cut(e.Getenv("BUILD_REPOSITORY_NAME"), "/")
	default:
		return j, fault.New(fault.Invalid, "BUILD_REPOSITORY_PROVIDER is %q: TfsGit, GitHub, GitHubEnterprise or Bitbucket", provider)
	}
	var err error
	j.Number, err = e.number(name)
	j.Untold = j.Number > 0 && e.Getenv("SYSTEM_PULLREQUEST_ISFORK") == ""
	return j, err
}

func (e Environment) woodpecker() (Job, error) {
	j := Job{System: "Woodpecker", Head: e.Getenv("CI_COMMIT_SHA"), URL: e.Getenv("CI_PIPELINE_URL"), Deeper: "give the clone step depth: 0"}
	forge := map[string]Forge{"github": GitHub, "gitlab": GitLab, "gitea": Gitea, "forgejo": Gitea, "bitbucket": Bitbucket, "bitbucket-dc": BitbucketServer, "bitbucket_dc": BitbucketServer}
	j.Forge = forge[e.Getenv("CI_FORGE_TYPE")]
	j.Owner, j.Repo = e.Getenv("CI_REPO_OWNER"), e.Getenv("CI_REPO_NAME")
	if j.Forge == "" || j.Owner == "" || j.Repo == "" {
		return j, fault.New(fault.Invalid, "CI_FORGE_TYPE, CI_REPO_OWNER and CI_REPO_NAME are %q, %q and %q", e.Getenv("CI_FORGE_TYPE"), j.Owner, j.Repo)
	}
	j.API = strings.TrimSuffix(e.Getenv("CI_FORGE_URL"), "/")
	if j.Forge == Bitbucket || j.API == "https://github.com" || j.API == "https://gitlab.com" {
		j.API = ""
	}
	var err error
	if j.Number, err = e.number("CI_COMMIT_PULL_REQUEST"); j.Number > 0 {
		j.Target, j.Untold = e.Getenv("CI_COMMIT_TARGET_BRANCH"), true
	}
	return j, err
}

func (e Environment) jenkins() (Job, error) {
	j := Job{System: "Jenkins", URL: e.Getenv("BUILD_URL"), Target: e.Getenv("CHANGE_TARGET"), Fork: e.Getenv("CHANGE_FORK") != "", Deeper: "clone without the shallow option"}
	if e.Getenv("CHANGE_URL") == "" {
		return j, nil
	}
	// CHANGE_BRANCH is set where it is known, too, which repository that is in.
	j.Untold = !j.Fork && e.Getenv("CHANGE_BRANCH") == ""
	var err error
	j.Place, j.Number, err = Pull(e.Getenv("CHANGE_URL"))
	return j, err
}

func (e Environment) circle() (Job, error) {
	j := Job{System: "CircleCI", URL: e.Getenv("CIRCLE_BUILD_URL"), Head: e.Getenv("CIRCLE_SHA1"), Fork: e.Getenv("CIRCLE_PR_NUMBER") != "", Deeper: "give checkout method: full"}
	if e.Getenv("CIRCLE_PULL_REQUEST") == "" {
		return j, nil
	}
	var err error
	j.Place, j.Number, err = Pull(e.Getenv("CIRCLE_PULL_REQUEST"))
	return j, err
}

// Token finds the token for a forge: the zero Token where there is none, and
// the variables that were looked at.
func (e Environment) Token(forge Forge) (Token, []string) {
	var names []string
	basic := func(user, password string) (Token, bool) {
		names = append(names, password+" with "+user)
		value, name := e.Getenv(password), e.Getenv(user)
		return Token{From: password, Value: value, User: name, Basic: true}, value != "" && name != ""
	}
	plain := func(name string) (Token, bool) {
		names = append(names, name)
		value := strings.TrimSpace(e.Getenv(name))
		return Token{From: name, Value: value}, value != ""
	}
	first := map[Forge][]string{
		GitHub: {"GITHUB_TOKEN", "GH_TOKEN"}, GitLab: {"GITLAB_TOKEN"}, Gitea: {"GITEA_TOKEN", "FORGEJO_TOKEN", "GITHUB_TOKEN"},
		Bitbucket: {"BITBUCKET_TOKEN", "BITBUCKET_ACCESS_TOKEN"}, BitbucketServer: {"BITBUCKET_TOKEN"},
	}
	for _, name := range first[forge] {
		if t, ok := plain(name); ok {
			return t, names
		}
	}
	switch forge {
	case GitLab:
		if t, ok := plain("CI_JOB_TOKEN"); ok {
			t.Job = true
			return t, names
		}
	case Bitbucket:
		for _, pair := range [][2]string{{"BITBUCKET_EMAIL", "BITBUCKET_API_TOKEN"}, {"BITBUCKET_USERNAME", "BITBUCKET_APP_PASSWORD"}} {
			if t, ok := basic(pair[0], pair[1]); ok {
				return t, names
			}
		}
	case BitbucketServer:
		if t, ok := basic("BITBUCKET_USERNAME", "BITBUCKET_PASSWORD"); ok {
			return t, names
		}
	case AzureDevOps:
		for _, name := range []string{"AZURE_DEVOPS_TOKEN", "AZURE_DEVOPS_EXT_PAT", "SYSTEM_ACCESSTOKEN"} {
			if t, ok := plain(name); ok {
				t.Basic = true
				return t, names
			}
		}
	case GitHub, Gitea:
	}
	return Token{}, names
}

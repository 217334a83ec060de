package agent

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/trueup-dev/trueup/agent/previews"
	"github.com/trueup-dev/trueup/agent/web"
)

// The secrets that hold what senders of webhooks know: our own and Argo CD's.
func webhookSecretNames() []string { return []string{"trueup-webhook", "argocd-secret"} }

// webhookSecrets reads them each time, so that a new one counts at once.
type webhookSecrets struct {
	reader    client.Reader
	namespace string
}

// values lists what both secrets hold under a name.
func (w webhookSecrets) values(ctx context.Context, name string) ([]string, error) {
	var out []string
	for _, in := range webhookSecretNames() {
		var s corev1.Secret
		err := w.reader.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: in}, &s)
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("read the secret %s: %w", in, err)
		}
		if v := strings.TrimSpace(string(s.Data["webhook."+name])); v != "" {
			out = append(out, v)
		}
	}
	return out, nil
}

// serveWebhooks adds what listens to forges, where an address is given.
func serveWebhooks(ctx context.Context, mgr ctrl.Manager, o Options, p pushes, a *auditor) error {
	if o.Webhooks == "" || o.Webhooks == "0" {
		return nil
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", o.Webhooks)
	if err != nil {
		return fmt.Errorf("listen to webhooks: %w", err)
	}
	o.Log.Info("listening to webhooks", "address", listener.Addr().String(), "tls", o.WebhookCert != "")
	if o.WebhookCert != "" {
		pair, err := certwatcher.New(o.WebhookCert, o.WebhookKey)
		if err != nil {
			return fmt.Errorf("listen to webhooks: read the certificate: %w", errors.Join(err, listener.Close()))
		}
		if err := mgr.Add(pair); err != nil {
			return fmt.Errorf("listen to webhooks: %w", errors.Join(err, listener.Close()))
		}
		listener = tls.NewListener(listener, &tls.Config{GetCertificate: pair.GetCertificate, MinVersion: tls.VersionTLS12})
	}
	secrets := webhookSecrets{mgr.GetClient(), o.Namespace}
	handler := http.NewServeMux()
	handler.Handle("/api/webhook", web.Webhooks(web.WebhookOptions{Secrets: secrets.values, Pusher: p, Pulls: p.told, Received: a.metrics.received}))
	if p.pages != nil {
		handler.Handle(previews.PagesPath, p.pages)
	}
	handler.Handle("/api/audit/", a.handler(secrets, a.metrics.received))
	return mgr.Add(&manager.Server{Name: "webhooks", Server: web.NewWebhookServer(leading(mgr.Elected(), handler)), Listener: listener})
}

// leading refuses until this agent is the one of several that works: the
// others poll nothing, and a sender should see that.
func leading(elected <-chan struct{}, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-elected:
			next.ServeHTTP(w, r)
		default:
			http.Error(w, "this agent is not the leader", http.StatusServiceUnavailable)
		}
	})
}

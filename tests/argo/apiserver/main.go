// Command apiserver is an API server of custom resources for a test: it prints the path of a kubeconfig once it answers,
// and ends when its standard input does.
//
//	apiserver DIRECTORY CRD.yaml...
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	servertesting "k8s.io/apiextensions-apiserver/pkg/cmd/server/testing"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"
)

func main() {
	directory, crds := os.Args[1], os.Args[2:]
	servers, err := etcd(filepath.Join(directory, "etcd"))
	if err != nil {
		log.Fatal(err)
	}
	// It asks no other API server who is let in: all are.
	nobody := filepath.Join(directory, "nobody")
	if err := write(nobody, &rest.Config{Host: "http://127.0.0.1:1"}); err != nil {
		log.Fatal(err)
	}
	server, err := servertesting.StartTestServer(logger{}, nil, []string{
		"--etcd-servers", servers, "--etcd-prefix", "/test", "--authentication-skip-lookup",
		"--authentication-kubeconfig", nobody, "--authorization-kubeconfig", nobody,
		"--kubeconfig", nobody, "--enable-priority-and-fairness=false", "--disable-admission-plugins", "NamespaceLifecycle,MutatingAdmissionWebhook,ValidatingAdmissionWebhook,ValidatingAdmissionPolicy,MutatingAdmissionPolicy",
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer server.TearDownFn()
	if err := install(server.ClientConfig, crds); err != nil {
		log.Fatal(err)
	}
	address, err := front(server.ClientConfig)
	if err != nil {
		log.Fatal(err)
	}
	config := filepath.Join(directory, "kubeconfig")
	if err := write(config, &rest.Config{Host: address}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(config)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// front is a way in without TLS and token. It also gives the group `apps` another name: a custom resource cannot be in it.
func front(config *rest.Config) (string, error) {
	transport, err := rest.TransportFor(config)
	if err != nil {
		return "", err
	}
	target, err := url.Parse(config.Host)
	if err != nil {
		return "", err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.URL.Path = strings.Replace(r.Out.URL.Path, "/apis/apps/", "/apis/apps.serinus.test/", 1)
		},
		Transport:     transport,
		FlushInterval: -1,
	}
	go func() { log.Fatal(http.Serve(listener, proxy)) }()
	return "http://" + listener.Addr().String(), nil
}

// etcd starts one on loopback; where it is.
func etcd(directory string) (string, error) {
	config := embed.NewConfig()
	config.Dir, config.LogLevel = directory, "error"
	free := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	config.ListenClientUrls, config.ListenPeerUrls = []url.URL{free}, []url.URL{free}
	config.UnsafeNoFsync = true
	started, err := embed.StartEtcd(config)
	if err != nil {
		return "", err
	}
	<-started.Server.ReadyNotify()
	return "http://" + started.Clients[0].Addr().String(), nil
}

// install creates CRDs, and waits until the server serves them.
func install(config *rest.Config, files []string) error {
	client, err := clientset.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, crds := context.Background(), client.ApiextensionsV1().CustomResourceDefinitions()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var crd apiextensionsv1.CustomResourceDefinition
		if err := yaml.Unmarshal(text, &crd); err != nil {
			return err
		}
		if _, err := crds.Create(ctx, &crd, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		err = wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
			found, err := crds.Get(ctx, crd.Name, metav1.GetOptions{})
			if err != nil {
				return false, nil
			}
			for _, condition := range found.Status.Conditions {
				if condition.Type == apiextensionsv1.Established && condition.Status == apiextensionsv1.ConditionTrue {
					return true, nil
				}
			}
			return false, nil
		})
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// write makes a kubeconfig of how a server is reached.
func write(file string, config *rest.Config) error {
	made := clientcmdapi.NewConfig()
	made.Clusters["test"] = &clientcmdapi.Cluster{
		Server: config.Host, CertificateAuthorityData: config.CAData, CertificateAuthority: config.CAFile,
		TLSServerName: config.ServerName, InsecureSkipTLSVerify: config.Insecure}
	made.AuthInfos["test"] = &clientcmdapi.AuthInfo{Token: config.BearerToken}
	made.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "test"}
	made.CurrentContext = "test"
	return clientcmd.WriteToFile(*made, file)
}

// logger says what it must.
type logger struct{}

func (logger) Errorf(format string, args ...any) { log.Printf(format, args...) }
func (logger) Fatalf(format string, args ...any) { log.Fatalf(format, args...) }
func (logger) Logf(string, ...any)               {}

// Command kube-apiserver runs Kubernetes' API server, unchanged, with an etcd
// inside the same process, so that one program and one folder are enough to ask
// the real API whether it accepts an object.
//
//	kube-apiserver ETCD-FOLDER ETCD-PORT [kube-apiserver flags]
//
// etcd listens on the loopback only; --etcd-servers is added to the flags.
package main

import (
	"fmt"
	"net/url"
	"os"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: kube-apiserver ETCD-FOLDER ETCD-PORT [kube-apiserver flags]")
		os.Exit(2)
	}
	address, err := startEtcd(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "etcd:", err)
		os.Exit(3)
	}
	command := app.NewAPIServerCommand()
	command.SetArgs(append(os.Args[3:], "--etcd-servers="+address))
	os.Exit(cli.Run(command))
}

func startEtcd(folder, port string) (string, error) {
	client := url.URL{Scheme: "http", Host: "127.0.0.1:" + port}
	// One member has no peers: port 0 lets the system choose what nobody uses.
	peer := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	config := embed.NewConfig()
	config.Dir = folder
	config.ListenClientUrls = []url.URL{client}
	config.AdvertiseClientUrls = config.ListenClientUrls
	config.ListenPeerUrls = []url.URL{peer}
	config.AdvertisePeerUrls = config.ListenPeerUrls
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	config.LogLevel = "error"
	config.UnsafeNoFsync = true
	server, err := embed.StartEtcd(config)
	if err != nil {
		return "", err
	}
	select {
	case <-server.Server.ReadyNotify():
		return client.String(), nil
	case err := <-server.Err():
		return "", err
	case <-time.After(60 * time.Second):
		return "", fmt.Errorf("not ready after 60 s")
	}
}

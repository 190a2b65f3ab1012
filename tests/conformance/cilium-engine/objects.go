package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	ipcachetypes "github.com/cilium/cilium/pkg/ipcache/types"
	"github.com/cilium/cilium/pkg/k8s"
	v2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slimnetworking "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy/types"
	policyutils "github.com/cilium/cilium/pkg/policy/utils"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/network-policy-api/apis/v1alpha2"
	sigsyaml "sigs.k8s.io/yaml"
)

const (
	namespaceLabel      = "io.kubernetes.pod.namespace"
	clusterLabel        = "io.cilium.k8s.policy.cluster"
	serviceAccountLabel = "io.cilium.k8s.policy.serviceaccount"
	policyNameLabel     = "io.cilium.k8s.policy.name"
	namespaceLabels     = "io.cilium.k8s.namespace.labels."
)

type header struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name      string            `json:"name"`
		Namespace string            `json:"namespace"`
		Labels    map[string]string `json:"labels"`
	} `json:"metadata"`
}

type podPorts struct {
	Spec struct {
		ServiceAccountName string `json:"serviceAccountName"`
		Containers         []struct {
			Ports []struct {
				Name          string `json:"name"`
				ContainerPort uint16 `json:"containerPort"`
				Protocol      string `json:"protocol"`
			} `json:"ports"`
		} `json:"containers"`
	} `json:"spec"`
}

type pod struct {
	name               string
	labels             labels.Labels
	tcpPorts, udpPorts map[string]uint16
}

// readWorld gives each pod the security labels that an agent derives for it.
func readWorld(source, cluster string) ([]pod, error) {
	documents, err := readDocuments(source)
	if err != nil {
		return nil, err
	}
	namespaces := map[string]map[string]string{}
	for _, d := range documents {
		if d.Kind == "Namespace" {
			namespaces[d.Metadata.Name] = d.Metadata.Labels
		}
	}
	var pods []pod
	for _, d := range documents {
		if d.Kind != "Pod" {
			continue
		}
		var ports podPorts
		if err := sigsyaml.Unmarshal(d.text, &ports); err != nil {
			return nil, fmt.Errorf("%s: %w", d.where, err)
		}
		account := ports.Spec.ServiceAccountName
		if account == "" {
			account = "default"
		}
		all := map[string]string{
			namespaceLabel:      d.Metadata.Namespace,
			clusterLabel:        cluster,
			serviceAccountLabel: account,
			namespaceLabels + "kubernetes.io/metadata.name": d.Metadata.Namespace,
		}
		for key, value := range namespaces[d.Metadata.Namespace] {
			all[namespaceLabels+key] = value
		}
		for key, value := range d.Metadata.Labels {
			all[key] = value
		}
		p := pod{
			name:     d.Metadata.Namespace + "/" + d.Metadata.Name,
			labels:   labels.Map2Labels(all, labels.LabelSourceK8s),
			tcpPorts: map[string]uint16{},
			udpPorts: map[string]uint16{},
		}
		for _, container := range ports.Spec.Containers {
			for _, port := range container.Ports {
				if strings.EqualFold(port.Protocol, "UDP") {
					p.udpPorts[port.Name] = port.ContainerPort
				} else {
					p.tcpPorts[port.Name] = port.ContainerPort
				}
			}
		}
		pods = append(pods, p)
	}
	return pods, nil
}

// addPolicies loads every policy of a source; what is no policy is passed over.
func (e *engine) addPolicies(source, cluster string) (int, error) {
	documents, err := readDocuments(source)
	if err != nil {
		return 0, err
	}
	count := 0
	for _, d := range documents {
		entries, kind, err := e.parse(d, cluster)
		if err != nil {
			return 0, fmt.Errorf("%s: %s %s/%s: %w", d.where, d.Kind, d.Metadata.Namespace, d.Metadata.Name, err)
		}
		if kind == "" {
			continue
		}
		e.repo.ReplaceByResource(entries, ipcachetypes.NewResourceID(kind, d.Metadata.Namespace, d.Metadata.Name))
		count++
	}
	return count, nil
}

func (e *engine) parse(d document, cluster string) (types.PolicyEntries, ipcachetypes.ResourceKind, error) {
	switch d.Kind {
	case "NetworkPolicy":
		var object slimnetworking.NetworkPolicy
		if err := sigsyaml.Unmarshal(d.text, &object); err != nil {
			return nil, "", err
		}
		entries, err := k8s.ParseNetworkPolicy(e.logger, cluster, &object)
		return entries, ipcachetypes.ResourceKindNetpol, err
	case "CiliumNetworkPolicy":
		var object v2.CiliumNetworkPolicy
		if err := sigsyaml.UnmarshalStrict(d.text, &object); err != nil {
			return nil, "", err
		}
		rules, err := object.Parse(e.logger, cluster)
		return policyutils.RulesToPolicyEntries(rules), ipcachetypes.ResourceKindCNP, err
	case "CiliumClusterwideNetworkPolicy":
		var object v2.CiliumClusterwideNetworkPolicy
		if err := sigsyaml.UnmarshalStrict(d.text, &object); err != nil {
			return nil, "", err
		}
		rules, err := object.Parse(e.logger, cluster)
		return policyutils.RulesToPolicyEntries(rules), ipcachetypes.ResourceKindCCNP, err
	case "ClusterNetworkPolicy":
		var object v1alpha2.ClusterNetworkPolicy
		if err := sigsyaml.UnmarshalStrict(d.text, &object); err != nil {
			return nil, "", err
		}
		entries, err := k8s.ParseClusterNetworkPolicy(e.logger, cluster, &object)
		return entries, "clusternetworkpolicy", err
	}
	return nil, "", nil
}

type document struct {
	header
	text  []byte
	where string
}

// readDocuments reads a file, every YAML file under a folder, or YAML text.
func readDocuments(source string) ([]document, error) {
	if strings.Contains(source, "\n") {
		return splitDocuments([]byte(source), "text")
	}
	var files []string
	err := filepath.WalkDir(source, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && (path == source || strings.HasSuffix(path, ".yaml")) {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	sort.Strings(files)
	var documents []document
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		more, err := splitDocuments(text, file)
		if err != nil {
			return nil, err
		}
		documents = append(documents, more...)
	}
	return documents, nil
}

func splitDocuments(text []byte, where string) ([]document, error) {
	var documents []document
	reader := yaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(text)))
	defer reader.Close()
	buffer := make([]byte, len(text)+1)
	for {
		n, err := reader.Read(buffer)
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		d := document{text: bytes.Clone(buffer[:n]), where: where}
		if err := sigsyaml.Unmarshal(d.text, &d.header); err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		if d.Kind != "" {
			documents = append(documents, d)
		}
	}
}

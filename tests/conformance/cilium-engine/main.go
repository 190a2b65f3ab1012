// Command cilium-engine answers "may this packet pass?" with Cilium's own policy code.
//
// It reads JSON objects from standard input, one a line, and prints one JSON
// object for each. A line with "load" replaces the whole cluster; a line with
// "src" is a question about the cluster that was loaded last:
//
//	{"load": {"cluster": "c1", "worlds": {"c1": "world.yaml"}, "policies": ["build/cilium/c1"],
//	          "addresses": ["203.0.113.10"], "default_local_cluster": true}}
//	{"src": "shop/edge", "dst": "shop/api", "proto": "TCP", "port": 8080}
//
// {"entries": "shop/edge"} asks how many entries the pod takes in Cilium's policy map.
//
// A world is a multi-document YAML file of Namespaces and Pods. Policies are
// files, folders or YAML text (when the value holds a line break). An end of a
// question is NAMESPACE/POD, CLUSTER:NAMESPACE/POD, ip:ADDRESS (an address
// that is no pod and no node) or entity:NAME (host, remote-node, ...). For
// ICMP the port is the message type.
//
// Only the cluster's own pods are held against the policies: the side of an
// outside address, of a node or of another cluster's pod counts as allowed,
// because this cluster does not enforce it.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

type request struct {
	Load    *loadRequest `json:"load,omitempty"`
	Entries string       `json:"entries,omitempty"`
	query
}

type loadRequest struct {
	Cluster             string            `json:"cluster"`
	Worlds              map[string]string `json:"worlds"`
	Policies            []string          `json:"policies"`
	Addresses           []string          `json:"addresses"`
	DefaultLocalCluster *bool             `json:"default_local_cluster"`
}

type query struct {
	Src   string `json:"src"`
	Dst   string `json:"dst"`
	Proto string `json:"proto"`
	Port  uint16 `json:"port"`
}

type answer struct {
	query
	Verdict string   `json:"verdict"`
	Egress  string   `json:"egress"`
	Ingress string   `json:"ingress"`
	By      []string `json:"by"`
}

func main() {
	out := bufio.NewWriter(os.Stdout)
	encode := json.NewEncoder(out)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<16), 1<<28)
	var current *engine
	failed := false
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		reply, err := handle(lines.Bytes(), &current)
		if err != nil {
			failed = true
			reply = map[string]string{"error": err.Error()}
		}
		if err := encode.Encode(reply); err != nil {
			fmt.Fprintln(os.Stderr, "cilium-engine:", err)
			os.Exit(3)
		}
		// Whoever holds a conversation waits for each answer.
		if err := out.Flush(); err != nil {
			os.Exit(3)
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "cilium-engine:", err)
		os.Exit(3)
	}
	if failed {
		os.Exit(1)
	}
}

func handle(line []byte, current **engine) (any, error) {
	var r request
	if err := json.Unmarshal(line, &r); err != nil {
		return nil, err
	}
	if r.Load != nil {
		*current = nil
		loaded, err := load(r.Load)
		if err != nil {
			return nil, err
		}
		*current = loaded
		return map[string]int{"policies": loaded.policies, "endpoints": len(loaded.ends)}, nil
	}
	if *current == nil {
		return nil, fmt.Errorf("nothing is loaded")
	}
	if r.Entries != "" {
		return (*current).entries(r.Entries)
	}
	return (*current).ask(r.query)
}

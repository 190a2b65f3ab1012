package main

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/netip"
	"sort"
	"strings"
	"sync"

	"github.com/cilium/cilium/pkg/endpoint/regeneration"
	envoypolicy "github.com/cilium/cilium/pkg/envoy/policy"
	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/identity/identitymanager"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/u8proto"
)

// end is one side of a packet as the policy engine sees it.
type end struct {
	identity *identity.Identity
	// enforced is true for the pods of the cluster whose policies are loaded.
	enforced bool
	tcpPorts map[string]uint16
	udpPorts map[string]uint16
}

type engine struct {
	logger   *slog.Logger
	repo     *policy.Repository
	ends     map[string]*end
	resolved map[string]*policy.EndpointPolicy
	policies int
}

// load builds a policy repository from nothing, the way an agent does at start.
func load(r *loadRequest) (*engine, error) {
	if r.Cluster == "" {
		return nil, fmt.Errorf("load: which cluster?")
	}
	configure(r.Cluster)
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	e := &engine{
		logger: logger,
		repo: policy.NewPolicyRepository(logger, identity.IdentityMap{}, nil,
			envoypolicy.NewEnvoyL7RulesTranslator(logger, nil), identitymanager.NewIDManager(logger), nil),
		ends:     map[string]*end{},
		resolved: map[string]*policy.EndpointPolicy{},
	}
	if err := e.addEnds(r); err != nil {
		return nil, err
	}
	e.publishIdentities()
	// The name under which selectors without a cluster term are read: the own
	// cluster from 1.19 on, every cluster of the mesh before that.
	local := r.Cluster
	if r.DefaultLocalCluster != nil && !*r.DefaultLocalCluster {
		local = ""
	}
	for _, source := range r.Policies {
		count, err := e.addPolicies(source, local)
		if err != nil {
			return nil, err
		}
		e.policies += count
	}
	return e, nil
}

func configure(cluster string) {
	option.Config.EnableIPv4 = true
	option.Config.EnableIPv6 = true
	option.Config.EnableNonDefaultDenyPolicies = true
	option.Config.EnableICMPRules = true
	option.Config.EnableL7Proxy = true
	// Agents under Kubernetes always let the own node reach its pods.
	option.Config.UnsafeDaemonConfigOption.AllowLocalhost = option.AllowLocalhostAlways
	policy.SetPolicyEnabled(option.DefaultEnforcement)
	api.InitEntities(cluster)
}

func (e *engine) addEnds(r *loadRequest) error {
	next := identity.NumericIdentity(10000)
	clusters := make([]string, 0, len(r.Worlds))
	for name := range r.Worlds {
		clusters = append(clusters, name)
	}
	sort.Strings(clusters)
	for _, cluster := range clusters {
		pods, err := readWorld(r.Worlds[cluster], cluster)
		if err != nil {
			return err
		}
		for _, pod := range pods {
			next++
			added := &end{
				identity: identity.NewIdentity(next, pod.labels),
				enforced: cluster == r.Cluster,
				tcpPorts: pod.tcpPorts,
				udpPorts: pod.udpPorts,
			}
			e.ends[cluster+":"+pod.name] = added
			if cluster == r.Cluster {
				e.ends[pod.name] = added
			}
		}
	}
	for name, id := range map[string]identity.NumericIdentity{
		"host":           identity.ReservedIdentityHost,
		"world":          identity.ReservedIdentityWorld,
		"health":         identity.ReservedIdentityHealth,
		"remote-node":    identity.ReservedIdentityRemoteNode,
		"kube-apiserver": identity.ReservedIdentityKubeAPIServer,
		"ingress":        identity.ReservedIdentityIngress,
	} {
		e.ends["entity:"+name] = &end{identity: reserved(id)}
	}
	for i, text := range r.Addresses {
		address, err := netip.ParseAddr(text)
		if err != nil {
			return err
		}
		prefix := netip.PrefixFrom(address, address.BitLen())
		id := identity.IdentityScopeLocal + identity.NumericIdentity(i) + 1
		e.ends["ip:"+text] = &end{identity: identity.NewIdentity(id, labels.GetCIDRLabels(prefix))}
	}
	return nil
}

func reserved(id identity.NumericIdentity) *identity.Identity {
	if known := identity.LookupReservedIdentity(id); known != nil {
		all := labels.Labels{}
		all.MergeLabels(known.Labels)
		if id == identity.ReservedIdentityKubeAPIServer {
			all.MergeLabels(labels.LabelRemoteNode)
		}
		return identity.NewIdentity(id, all)
	}
	return identity.NewIdentity(id, labels.Labels{})
}

func (e *engine) publishIdentities() {
	all := identity.IdentityMap{}
	for _, known := range e.ends {
		all[known.identity.ID] = known.identity.LabelArray
	}
	var wait sync.WaitGroup
	e.repo.GetSelectorCache().UpdateIdentities(all, nil, &wait)
	wait.Wait()
	e.repo.UpdateIdentities(all, nil)
}

func (e *engine) ask(q query) (*answer, error) {
	from, to := e.ends[q.Src], e.ends[q.Dst]
	if from == nil || to == nil {
		return nil, fmt.Errorf("unknown end in %s -> %s", q.Src, q.Dst)
	}
	protocol, err := u8proto.ParseProtocol(strings.ToLower(q.Proto))
	if err != nil {
		return nil, err
	}
	a := &answer{query: q, Verdict: "allow", Egress: "not-enforced", Ingress: "not-enforced", By: []string{}}
	if from.enforced {
		key := policy.EgressKey().WithIdentity(to.identity.ID).WithPortProto(protocol, q.Port)
		if a.Egress, err = e.side(q.Src, from, key, a); err != nil {
			return nil, err
		}
	}
	if to.enforced {
		key := policy.IngressKey().WithIdentity(from.identity.ID).WithPortProto(protocol, q.Port)
		if a.Ingress, err = e.side(q.Dst, to, key, a); err != nil {
			return nil, err
		}
	}
	if a.Egress == "deny" || a.Ingress == "deny" {
		a.Verdict = "deny"
	}
	return a, nil
}

func (e *engine) side(name string, subject *end, key policy.Key, a *answer) (string, error) {
	resolved, err := e.policyOf(name, subject)
	if err != nil {
		return "", err
	}
	entry, meta, _ := resolved.Lookup(key)
	for _, list := range meta.LabelArray() {
		for _, label := range list {
			if label.Key == policyNameLabel {
				a.By = append(a.By, label.Value)
			}
		}
	}
	if entry.IsDeny() {
		return "deny", nil
	}
	return "allow", nil
}

// entries counts what a pod takes in the policy map.
func (e *engine) entries(name string) (any, error) {
	subject := e.ends[name]
	if subject == nil {
		return nil, fmt.Errorf("unknown end %s", name)
	}
	resolved, err := e.policyOf(name, subject)
	if err != nil {
		return nil, err
	}
	return map[string]int{"entries": resolved.Len()}, nil
}

// policyOf resolves what one endpoint may do, once per load.
func (e *engine) policyOf(name string, subject *end) (*policy.EndpointPolicy, error) {
	if known, ok := e.resolved[name]; ok {
		return known, nil
	}
	selected, _, err := e.repo.ComputeSelectorPolicy(subject.identity)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	redirects := map[string]uint16{policy.FallbackRedirectID: math.MaxUint16}
	resolved := selected.DistillPolicy(e.logger, owner{subject}, redirects)
	_ = resolved.Ready()
	resolved.Detach(e.logger)
	e.resolved[name] = resolved
	return resolved, nil
}

// owner is the endpoint that a resolved policy belongs to.
type owner struct{ *end }

func (o owner) GetID() uint64 { return uint64(o.identity.ID) }
func (o owner) GetIngressNamedPort(name string, proto u8proto.U8proto) uint16 {
	if proto == u8proto.UDP {
		return o.udpPorts[name]
	}
	return o.tcpPorts[name]
}
func (o owner) PolicyDebug(string, ...any)         {}
func (o owner) IsHost() bool                       { return false }
func (o owner) PreviousMapState() *policy.MapState { return nil }
func (o owner) RegenerateIfAlive(*regeneration.ExternalRegenerationMetadata) <-chan bool {
	done := make(chan bool)
	close(done)
	return done
}

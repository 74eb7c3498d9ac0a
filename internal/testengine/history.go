package testengine

import (
	"errors"
	"io"
	"maps"
	"slices"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/content/proxy"
	controlapi "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// history looks into what the engine keeps of a build: its record, log, trace,
// error and attestations. They are read as they are, since buildx takes out of
// a trace what it knows to be secret.
func (s *searcher) history(built *Built) {
	c, err := s.engine.client(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	records := s.records(c, built)
	if len(records) == 0 {
		s.t.Fatal("the engine has no record of the build")
	}
	for _, record := range records {
		s.record(c, record.Ref)
	}
}

// records gives those of a build. The id of one that failed is not told: it is
// among those that have failed while it ran.
func (s *searcher) records(c *client.Client, built *Built) []*controlapi.BuildHistoryRecord {
	if ref := built.ref(); ref != "" {
		return s.list(c, ref)
	}
	var failed []*controlapi.BuildHistoryRecord
	for _, record := range s.list(c, "") {
		began, ended := record.CreatedAt.AsTime(), record.CompletedAt
		if record.Error != nil && ended != nil && !began.Before(built.began) && !ended.AsTime().After(built.ended) {
			failed = append(failed, record)
		}
	}
	return failed
}

// list asks the engine for a record, or for all of them.
func (s *searcher) list(c *client.Client, ref string) []*controlapi.BuildHistoryRecord {
	stream, err := c.ControlClient().ListenBuildHistory(s.t.Context(), &controlapi.BuildHistoryRequest{Ref: ref, EarlyExit: true})
	if err != nil {
		s.t.Fatal(err)
	}
	var records []*controlapi.BuildHistoryRecord
	for {
		event, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return records
		}
		if err != nil {
			s.t.Fatal(err)
		}
		if event.Record != nil {
			records = append(records, event.Record)
		}
	}
}

// record looks into one record, and all that it names. Its trace is there once
// it is final.
func (s *searcher) record(c *client.Client, ref string) {
	if _, err := c.ControlClient().UpdateBuildHistory(s.t.Context(), &controlapi.UpdateBuildHistoryRequest{Ref: ref, Finalize: true}); err != nil {
		s.t.Fatal(err)
	}
	store := proxy.NewContentStore(c.ContentClient())
	for _, record := range s.list(c, ref) {
		data, err := record.MarshalVT()
		if err != nil {
			s.t.Fatal(err)
		}
		s.search("the record of the build", data)
		for what, blobs := range blobs(record) {
			for _, blob := range blobs {
				s.blob(store, what+" of the build", blob)
			}
		}
	}
}

func (s *searcher) blob(store content.Provider, what string, blob *controlapi.Descriptor) {
	if blob == nil {
		return
	}
	data, err := content.ReadBlob(s.t.Context(), store, ocispec.Descriptor{Digest: digest.Digest(blob.Digest), Size: blob.Size})
	if err != nil {
		s.t.Fatalf("%s: %v", what, err)
	}
	s.search(what, data)
}

// blobs gives what a record names, by what it is. What it does not have is nil.
func blobs(record *controlapi.BuildHistoryRecord) map[string][]*controlapi.Descriptor {
	named := map[string][]*controlapi.Descriptor{
		"the log":   {record.Logs},
		"the trace": {record.Trace},
		"the error": {record.ExternalError},
	}
	for _, result := range append(slices.Collect(maps.Values(record.Results)), record.Result) {
		named["an attestation"] = append(named["an attestation"], result.GetAttestations()...)
		named["a result"] = slices.AppendSeq(named["a result"], maps.Values(result.GetResults()))
	}
	return named
}

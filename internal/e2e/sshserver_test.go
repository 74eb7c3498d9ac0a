package e2e

import (
	"bytes"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/shlex"
	"golang.org/x/crypto/ssh"
)

// sshServer serves repositories over ssh, as a forge does: whoever has the key may
// fetch, and nothing else can be done.
type sshServer struct {
	repositories
	URL string // of the folder with the repositories
	key string // the file with the key
}

// serveSSH starts a server with keys of its own.
func serveSSH(t *testing.T) *sshServer {
	t.Helper()
	for _, program := range []string{"git", "ssh"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program + " is not installed")
		}
	}
	s := &sshServer{repositories: repositories(t.TempDir())}
	known, file := newKey(t)
	s.key = file
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if !bytes.Equal(key.Marshal(), known.PublicKey().Marshal()) {
			return nil, errors.New("an unknown key")
		}
		return nil, nil
	}}
	host, _ := newKey(t)
	config.AddHostKey(host)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	s.URL = "ssh://git@" + listener.Addr().String()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // the test is over
			}
			go s.serve(conn, config)
		}
	}()
	return s
}

// newKey makes a key, and writes it to a file as ssh-keygen does.
func newKey(t *testing.T) (ssh.Signer, string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "id_ed25519")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return signer, file
}

// serve answers one client.
func (s *sshServer) serve(conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return // it was not let in
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		go s.session(channel, requests)
	}
}

// session runs the one command that a client asks for.
func (s *sshServer) session(channel ssh.Channel, requests <-chan *ssh.Request) {
	defer channel.Close()
	for request := range requests {
		var asked struct{ Command string }
		if request.Type != "exec" || ssh.Unmarshal(request.Payload, &asked) != nil {
			request.Reply(false, nil)
			continue
		}
		request.Reply(true, nil)
		exit := struct{ Status uint32 }{}
		if s.upload(channel, asked.Command) != nil {
			exit.Status = 1
		}
		channel.SendRequest("exit-status", false, ssh.Marshal(exit))
		return
	}
}

// upload runs "git-upload-pack '/NAME.git'" for a repository of the server.
func (s *sshServer) upload(channel ssh.Channel, command string) error {
	words, err := shlex.Split(command)
	if err != nil || len(words) != 2 || words[0] != "git-upload-pack" {
		return errors.New("not to be run here: " + command)
	}
	name := strings.TrimSuffix(filepath.Base(words[1]), ".git")
	cmd := exec.Command("git", "upload-pack", filepath.Join(string(s.repositories), name))
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null")
	cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	go func() {
		defer stdin.Close()
		io.Copy(stdin, channel) //nolint:errcheck // ends with the client
	}()
	return cmd.Run()
}

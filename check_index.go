package imagespec

import (
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/imagespec/imagespec/internal/diag"
)

// checkPackages warns of credentials. What a requirement is, is decided where
// it is resolved.
func (d *decoder) checkPackages(packages List) {
	for _, item := range packages.Items {
		if shown := string(diag.Redact([]byte(item.Value))); shown != item.Value {
			d.warn("PackageCredentials", item.At,
				"take them out, and give them to the build as the secret HTTP_AUTH_HEADER_ or HTTP_AUTH_TOKEN_ with the host behind it",
				"the credentials in packages %s are not used", show(shown))
		}
	}
}

// checkSecretMounts wants absolute paths, each once, that are none of the
// build's own.
func (d *decoder) checkSecretMounts(mounts Map) {
	seen := map[string]bool{}
	for _, mount := range mounts.Pairs {
		target := mount.Value.Value
		switch {
		case mount.Key.Value == "":
			d.errorf(mount.Key.At, "pip_secret_mounts has a secret without a file").WithHint("write it as - [secret file, path in the build]")
		case !path.IsAbs(target) || path.Clean(target) == "/":
			d.errorf(mount.Value.At, "pip_secret_mounts: %s is not an absolute path in the build", show(target)).
				WithHint("write where the program looks for it, such as /root/.netrc")
		case seen[path.Clean(target)]:
			d.errorf(mount.Value.At, "pip_secret_mounts has two secrets for %s", show(target)).WithHint("remove one of the two")
		}
		seen[path.Clean(target)] = true
	}
}

// releaseVersion is a version as packages have it, with all that PEP 440 adds
// to a release; that it exists is for the index to say.
var releaseVersion = regexp.MustCompile(`^v?(\d+!)?\d+(\.\d+)*([-_.]?(a|b|c|rc|alpha|beta|pre|preview|post|dev)[-_.]?\d*)*(\+[A-Za-z0-9._-]+)?$`)

// checkFlytekit wants true, false or a version.
func (d *decoder) checkFlytekit(f Text) {
	if !f.IsSet() || f.Value == "true" || f.Value == "false" || releaseVersion.MatchString(f.Value) {
		return
	}
	e := d.errorf(f.At, "builder_options.flytekit is %s, which is neither true, false nor a version", show(f.Value))
	e.WithHint("write true, false, or the version to install, such as 1.16.24")
	if near, ok := diag.Nearest(f.Value, []string{"true", "false"}); ok {
		e.WithHint("did you mean %q?", near)
	}
}

// checkExcludeNewer wants a date or a time of RFC 3339, and makes a time in
// UTC of it. A day counts to its end, as for uv, but not in the time zone of
// whoever builds.
func (d *decoder) checkExcludeNewer(at *Text) {
	if !at.IsSet() {
		return
	}
	day, err := time.Parse(time.DateOnly, at.Value)
	moment := day.AddDate(0, 0, 1)
	if err != nil {
		moment, err = time.Parse(time.RFC3339Nano, at.Value)
	}
	if err != nil {
		d.errorf(at.At, "builder_options.exclude_newer %s is neither a date nor a time", show(at.Value)).
			WithHint("write a day such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z")
		return
	}
	at.Value = moment.UTC().Format(time.RFC3339Nano)
}

// checkRewrites wants beginnings of URLs, without credentials.
func (d *decoder) checkRewrites(rewrites Map) {
	for _, pair := range rewrites.Pairs {
		for _, text := range []Text{pair.Key, pair.Value} {
			u, err := url.Parse(text.Value)
			shown := show(string(diag.Redact([]byte(text.Value))))
			switch {
			case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
				d.errorf(text.At, "builder_options.url_rewrites: %s is not the beginning of an http or https URL", shown).
					WithHint("write the whole beginning, such as https://files.pythonhosted.org/")
			case u.User != nil:
				d.errorf(text.At, "builder_options.url_rewrites: %s has credentials", shown).
					WithHint("take them out, and give them to the build as the secret HTTP_AUTH_HEADER_%[1]s or HTTP_AUTH_TOKEN_%[1]s", u.Hostname())
			}
		}
		if strings.HasSuffix(pair.Key.Value, "/") != strings.HasSuffix(pair.Value.Value, "/") {
			d.errorf(pair.Value.At, "builder_options.url_rewrites: only one of %s and %s ends with a slash", show(pair.Key.Value), show(pair.Value.Value)).
				WithHint("end both with one, or neither")
		}
	}
}

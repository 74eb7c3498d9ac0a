# Runs its arguments with the certificate authorities of the build secret
# trusted beside those of the image, by what has a setting for it.
dir=/run/imagespec
own=$dir/secrets/ca-certificates
if [ -f $own ]; then
	all=$dir/ca-certificates.crt
	for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem; do
		if [ -f $bundle ]; then
			cat $bundle >$all
			break
		fi
	done
	cat $own >>$all
	printf 'Acquire::https::CaInfo "%s";\n' $all >$dir/apt.conf
	export APT_CONFIG=$dir/apt.conf SSL_CERT_FILE=$all REQUESTS_CA_BUNDLE=$all PIP_CERT=$all CURL_CA_BUNDLE=$all \
		GIT_SSL_CAINFO=$all CARGO_HTTP_CAINFO=$all NODE_EXTRA_CA_CERTS=$all CONDA_SSL_VERIFY=$all
fi
exec "$@"

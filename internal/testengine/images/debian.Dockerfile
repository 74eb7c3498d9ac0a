# Stand-in for docker.io/library/debian:SUITE-slim, made of mmdebstrap's root.
FROM scratch
ARG SUITE
ADD ${SUITE}-amd64.tar /
CMD ["bash"]

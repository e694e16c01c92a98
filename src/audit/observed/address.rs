//! One spelling of a cluster's address, for whoever compares two (JUDGING 6.9).

/// Scheme and host in lower case, without the scheme's own port and without
/// slashes at the end: as many clients write the same address (RFC 3986 6.2).
/// What is no address with a scheme is left as it is.
pub(in crate::audit) fn in_one_spelling(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let scheme = scheme.to_ascii_lowercase();
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    let host = host.to_ascii_lowercase();
    let own_port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => ":",
    };
    let host = host.strip_suffix(own_port).or_else(|| host.strip_suffix(':')).unwrap_or(&host);
    let user = user.map(|user| format!("{user}@")).unwrap_or_default();
    format!("{scheme}://{user}{host}{}", path.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::in_one_spelling;

    #[test]
    fn an_address_is_the_same_however_scheme_host_port_and_end_are_written() {
        let same = [
            "https://kubernetes.default.svc",
            "https://kubernetes.default.svc/",
            "HTTPS://Kubernetes.Default.SVC",
            "https://kubernetes.default.svc:443",
            "https://kubernetes.default.svc:443//",
            "https://kubernetes.default.svc:",
        ];
        for address in same {
            assert_eq!(in_one_spelling(address), same[0], "{address}");
        }
        assert_eq!(in_one_spelling("https://[2001:DB8::1]:443/"), "https://[2001:db8::1]");
        assert_eq!(in_one_spelling("http://10.0.0.1:80/k8s/Clusters/a/"), "http://10.0.0.1/k8s/Clusters/a");
        assert_eq!(in_one_spelling("https://User@Host"), "https://User@host");
    }

    #[test]
    fn what_is_another_address_stays_another() {
        let all = [
            "https://kubernetes.default.svc",
            "http://kubernetes.default.svc",
            "https://kubernetes.default.svc:6443",
            "https://kubernetes.default.svc:80",
            "https://kubernetes.default.svc/k8s",
            "https://kubernetes.default.svc/K8s",
            "https://kubernetes.default",
            "https://[::1]",
            "https://[::1]:6443",
            "kubernetes.default.svc",
            "in-cluster",
            "",
            "://",
        ];
        for (at, one) in all.iter().enumerate() {
            for other in &all[at + 1..] {
                assert_ne!(in_one_spelling(one), in_one_spelling(other), "{one} {other}");
            }
        }
    }
}

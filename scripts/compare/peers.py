"""How each proxy is started: one thread, limits that never bite where it knows such, and no log of requests."""

import glob
import json
import os
import shutil

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "penstock")


def program(name):
    places = [os.environ.get("PATH", ""), "/usr/sbin", f"{CACHE}/bin"]
    return shutil.which(name, path=":".join(places))


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file: file.write(text)
    return path


def penstock(folder, ports, upstreams):
    """Every request goes through a limit in flight, a rate, and the same again for its tenant."""
    rate = {"in_flight": 20000, "requests": "100000000/min"}
    common = {"limits": [rate, {"per": "tenant", **rate}], "connections": {"max": 1000}}
    names = {name: {"url": url, "listen": f"127.0.0.1:{ports[name]}", "provider": "generic", **common}
             for name, url in upstreams.items()}
    names["tls"]["tls"] = {"ca": f"{folder}/cert.pem"}
    names["h1"]["default"] = True
    policy = {"listen": f"127.0.0.1:{ports['h2c']}", "admin": "127.0.0.1:0", "workers": 1,
              "log": {"level": "warning"}, "upstreams": names}
    return [os.environ["PENSTOCK"], "run", "--config", write(folder, "penstock.yaml", json.dumps(policy))]


def envoy(folder, ports, upstreams):
    """With circuit breakers and the local rate limit, as the nearest to what Penstock does."""
    found = glob.glob(f"{CACHE}/venv/envoy/lib/python3*/site-packages/envoy/_bin/envoy")
    if not found: return None
    api = "type.googleapis.com/envoy.extensions"
    most = {"max_connections": 20000, "max_pending_requests": 20000, "max_requests": 20000}
    bucket = {"max_tokens": 100_000_000, "tokens_per_fill": 100_000_000, "fill_interval": "1s"}
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}

    def kind(path, **fields): return {"@type": f"{api}.{path}", **fields}

    filters = [
        {"name": "limit", "typed_config": kind(
            "filters.http.local_ratelimit.v3.LocalRateLimit", stat_prefix="limit", token_bucket=bucket,
            filter_enabled=always, filter_enforced=always)},
        {"name": "router", "typed_config": kind("filters.http.router.v3.Router")}]

    def listener(name):
        route = {"match": {"prefix": "/"}, "route": {"cluster": "h1" if name == "h2c" else name, "timeout": "0s"}}
        manager = kind("filters.network.http_connection_manager.v3.HttpConnectionManager", stat_prefix=name,
                       http_filters=filters,
                       route_config={"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]})
        return {"name": name, "address": address(ports[name]),
                "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}]}

    def address(port): return {"socket_address": {"address": "127.0.0.1", "port_value": int(port)}}

    def cluster(name, url):
        endpoint = {"endpoint": {"address": address(url.rpartition(":")[2])}}
        cluster = {"name": name, "type": "STATIC", "circuit_breakers": {"thresholds": [most]},
                   "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]}}
        if name == "tls":
            context = {"trusted_ca": {"filename": f"{folder}/cert.pem"}}
            cluster["transport_socket"] = {"name": "tls", "typed_config": kind(
                "transport_sockets.tls.v3.UpstreamTlsContext", sni="localhost",
                common_tls_context={"validation_context": context})}
            version = "upstreams.http.v3.HttpProtocolOptions"
            cluster["typed_extension_protocol_options"] = {f"envoy.extensions.{version}": kind(
                version, explicit_http_config={"http2_protocol_options": {}})}
        return cluster

    resources = {"listeners": [listener(name) for name in ports],
                 "clusters": [cluster(name, url) for name, url in upstreams.items()]}
    config = write(folder, "envoy.json", json.dumps({"static_resources": resources}))
    return [found[0], "-c", config, "--concurrency", "1", "--disable-hot-restart", "-l", "error"]


def haproxy(folder, ports, upstreams):
    if not program("haproxy"): return None
    text = """
global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
  # Without it the chunks of a stream wait for each other.
  option http-no-delay
"""
    for name, port in ports.items():
        version = " proto h2" if name == "h2c" else ""
        back = "h1" if name == "h2c" else name
        text += f"frontend {name}\n  bind 127.0.0.1:{port}{version}\n  default_backend {back}\n"
    for name, url in upstreams.items():
        tls = f" ssl ca-file {folder}/cert.pem alpn h2 sni str(localhost) verifyhost localhost" if name == "tls" else ""
        text += f"backend {name}\n  server it 127.0.0.1:{url.rpartition(':')[2]}{tls}\n"
    return [program("haproxy"), "-db", "-q", "-f", write(folder, "haproxy.cfg", text)]


def nginx(folder, ports, upstreams):
    """Debian's speaks HTTP/1.1 to its upstreams only: its TLS scenario is another one, and left out."""
    if not program("nginx"): return None
    text = """master_process off; daemon off; pid nginx.pid; error_log stderr error; events { worker_connections 2000; }
http { access_log off; keepalive_requests 1000000000; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f;
uwsgi_temp_path u; scgi_temp_path s; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
"""
    for name, url in upstreams.items():
        if name != "tls": text += f"upstream {name} {{ server 127.0.0.1:{url.rpartition(':')[2]}; keepalive 256; }}\n"
    for name in ports:
        back, version = ("h1", " http2") if name == "h2c" else (name, "")
        if name != "tls":
            place = f"location / {{ proxy_pass http://{back}; }}"
            text += f"server {{ listen 127.0.0.1:{ports[name]}{version}; {place} }}\n"
    return [program("nginx"), "-p", folder, "-c", write(folder, "nginx.conf", text + "}\n"), "-e", "stderr"]


PEERS = {"penstock": penstock, "envoy": envoy, "haproxy": haproxy, "nginx": nginx}
WITHOUT = {("nginx", "tls")}

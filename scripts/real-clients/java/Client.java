import java.io.FileInputStream;
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * What a program in Java does: java Client.java BASE TENANT AUTHORITY|- PROXYPORT|- then pairs of HTTP_1_1|HTTP_2 and
 * plain|stream. Each pair prints a line: the version that was spoken and the text of the answer.
 */
public class Client {
    public static void main(String[] arguments) throws Exception {
        HttpClient.Builder builder = HttpClient.newBuilder();
        if (!arguments[2].equals("-")) builder.sslContext(trusting(arguments[2]));
        if (!arguments[3].equals("-")) {
            int port = Integer.parseInt(arguments[3]);
            builder.proxy(ProxySelector.of(new InetSocketAddress("127.0.0.1", port)));
        }
        HttpClient client = builder.build();
        for (int place = 4; place + 1 < arguments.length; place += 2) {
            HttpClient.Version version = HttpClient.Version.valueOf(arguments[place]);
            System.out.println(ask(client, arguments[0], arguments[1], version, arguments[place + 1].equals("stream")));
        }
    }

    static String ask(HttpClient client, String base, String tenant, HttpClient.Version version, boolean streams)
            throws Exception {
        String body = "{\"model\": \"gpt-4o-mini\", \"max_tokens\": 12, \"stream\": " + streams
                + ", \"messages\": [{\"role\": \"user\", \"content\": \"Say something.\"}]}";
        HttpRequest request = HttpRequest.newBuilder(URI.create(base + "/chat/completions"))
                .version(version).header("Content-Type", "application/json").header("Authorization", "Bearer sk-test")
                .header("X-Tenant-Id", tenant).POST(HttpRequest.BodyPublishers.ofString(body)).build();
        var response = client.send(request, HttpResponse.BodyHandlers.ofLines());
        List<String> text = new ArrayList<>();
        Pattern content = Pattern.compile("\"content\":\"([^\"]*)\"");
        response.body().forEach(line -> content.matcher(line).results().forEach(found -> text.add(found.group(1))));
        return response.version() + " " + response.statusCode() + " " + String.join("", text);
    }

    static SSLContext trusting(String file) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null);
        try (var stream = new FileInputStream(file)) {
            store.setCertificateEntry("authority", CertificateFactory.getInstance("X.509").generateCertificate(stream));
        }
        var managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        return context;
    }
}

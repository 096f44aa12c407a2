// The samples in languages that are compiled: Go and Java, each one file with nothing but the library that
// comes with the language.

import { listOf, type Request, sampleAddress, type Value } from './sample-request.ts';

/** A value as an expression: texts in quotes, joined with what the environment holds. */
function joined(value: Value, env: (name: string) => string): string {
  const pieces = value.map((piece) => {
    return typeof piece === 'string' ? quoted(piece) : env(piece.env);
  });
  return pieces.join(' + ');
}

/** Quotes and escapes of JSON are those of Go and of Java. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

export function goText(request: Request): string {
  const { method, target, headers, body, isSigned } = request;
  const literal = (value: Value) => joined(value, (name) => `os.Getenv("${name}")`);
  const fields = headers.map(([name, value]) => {
    if (value === 'uuid') return `\t\t{"${name}", uuid()},`;
    if (value === 'digest') return `\t\t{"${name}", "sha-512=:" + digest(body) + ":"},`;
    return `\t\t{"${name}", ${literal(value)}},`;
  });
  const usesEnv = isSigned || [...headers.map(([, value]) => value), body ?? []].some(namesEnv);
  const needs = [
    ...(body === undefined ? [] : ['strings']),
    ...['fmt', 'io', 'net/http'],
    ...(usesEnv ? ['os'] : []),
    ...(isSigned
      ? [
          ...['crypto/ed25519', 'crypto/rand', 'crypto/x509', 'encoding/base64', 'encoding/pem'],
          ...['strings', 'time'],
        ]
      : []),
    ...(isSigned && body !== undefined ? ['crypto/sha512'] : []),
  ];
  const sent = body === undefined ? 'nil' : 'strings.NewReader(body)';
  const covered = listOf(request).replaceAll('"', '\\"');
  const signing = [
    '\tblock, _ := pem.Decode(must(os.ReadFile("private.pem")))',
    '\tkey := must(x509.ParsePKCS8PrivateKey(block.Bytes)).(ed25519.PrivateKey)',
    '\tcreated := time.Now().Unix()',
    `\tparams := fmt.Sprintf("${covered};created=%d;expires=%d;keyid=\\"%s\\";nonce=\\"%s\\"",`,
    '\t\tcreated, created+60, os.Getenv("KEY_ID"), uuid())',
    '\tlines := []string{"\\"@method\\": " + method, "\\"@path\\": " + path}',
    '\tfor _, one := range headers {',
    '\t\tlines = append(lines, "\\""+one[0]+"\\": "+one[1])',
    '\t}',
    '\tlines = append(lines, "\\"@signature-params\\": "+params)',
    '\tsignature := ed25519.Sign(key, []byte(strings.Join(lines, "\\n")))',
    '\theaders = append(headers,',
    '\t\t[2]string{"upvest-signature-version", "15"},',
    '\t\t[2]string{"signature-input", "sig1=" + params},',
    '\t\t[2]string{"signature", "sig1=:" + base64.StdEncoding.EncodeToString(signature) + ":"})',
  ];
  return [
    'package main',
    '',
    'import (',
    ...[...new Set(needs)].toSorted().map((name) => `\t"${name}"`),
    ')',
    '',
    'func main() {',
    `\tmethod, path := "${method}", "${target}"`,
    ...(body === undefined ? [] : [`\tbody := ${literal(body)}`]),
    '\theaders := [][2]string{',
    ...fields,
    '\t}',
    ...(isSigned ? signing : []),
    `\trequest := must(http.NewRequest(method, "${sampleAddress}"+path, ${sent}))`,
    '\tfor _, one := range headers {',
    '\t\trequest.Header.Set(one[0], one[1])',
    '\t}',
    '\tresponse := must(http.DefaultClient.Do(request))',
    '\tdefer response.Body.Close()',
    '\tfmt.Println(response.StatusCode, string(must(io.ReadAll(response.Body))))',
    '}',
    ...(isSigned && body !== undefined ? goDigest : []),
    ...(isSigned ? goUuid : []),
    ...goMust,
  ].join('\n');
}

function namesEnv(value: Value | 'digest' | 'uuid'): boolean {
  return typeof value !== 'string' && value.some((piece) => typeof piece !== 'string');
}

const goDigest = [
  '',
  'func digest(body string) string {',
  '\tsum := sha512.Sum512([]byte(body))',
  '\treturn base64.StdEncoding.EncodeToString(sum[:])',
  '}',
];

const goUuid = [
  '',
  'func uuid() string {',
  '\tb := make([]byte, 16)',
  '\tmust(rand.Read(b))',
  '\tb[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80',
  '\treturn fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])',
  '}',
];

const goMust = [
  '',
  'func must[T any](value T, err error) T {',
  '\tif err != nil {',
  '\t\tpanic(err)',
  '\t}',
  '\treturn value',
  '}',
];

export function javaText(request: Request): string {
  const { method, target, headers, body, isSigned } = request;
  const literal = (value: Value) => joined(value, (name) => `System.getenv("${name}")`);
  const fields = headers.map(([name, value]) => {
    if (value === 'uuid') return `        headers.put("${name}", UUID.randomUUID().toString());`;
    if (value === 'digest') {
      return `        headers.put("${name}", "sha-512=:" + base64(MessageDigest.getInstance("SHA-512").digest(body.getBytes(UTF_8))) + ":");`;
    }
    return `        headers.put("${name}", ${literal(value)});`;
  });
  const covered = listOf(request).replaceAll('"', '\\"');
  const publisher = body === undefined ? 'noBody()' : 'ofString(body)';
  const signing = [
    '        var pem = Files.readString(Path.of("private.pem")).replaceAll("-----.*?-----|\\\\s", "");',
    '        var spec = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem));',
    '        var created = Instant.now().getEpochSecond();',
    `        var params = "${covered};created=" + created + ";expires=" + (created + 60)`,
    '            + ";keyid=\\"" + System.getenv("KEY_ID") + "\\";nonce=\\"" + UUID.randomUUID() + "\\"";',
    '        var base = "\\"@method\\": " + method + "\\n\\"@path\\": " + path;',
    '        for (var one : headers.entrySet()) base += "\\n\\"" + one.getKey() + "\\": " + one.getValue();',
    '        base += "\\n\\"@signature-params\\": " + params;',
    '        var signer = Signature.getInstance("Ed25519");',
    '        signer.initSign(KeyFactory.getInstance("Ed25519").generatePrivate(spec));',
    '        signer.update(base.getBytes(UTF_8));',
    '        headers.put("upvest-signature-version", "15");',
    '        headers.put("signature-input", "sig1=" + params);',
    '        headers.put("signature", "sig1=:" + base64(signer.sign()) + ":");',
  ];
  const imports = [
    'java.net.URI',
    'java.net.http.HttpClient',
    'java.net.http.HttpRequest',
    'java.net.http.HttpResponse',
    ...(isSigned
      ? [
          ...['java.nio.file.Files', 'java.nio.file.Path', 'java.security.KeyFactory'],
          ...(body === undefined ? [] : ['java.security.MessageDigest']),
          ...['java.security.Signature', 'java.security.spec.PKCS8EncodedKeySpec'],
          ...['java.time.Instant', 'java.util.Base64'],
        ]
      : []),
    'java.util.LinkedHashMap',
    ...(isSigned ? ['java.util.UUID'] : []),
  ];
  return [
    ...imports.map((name) => `import ${name};`),
    ...(isSigned ? ['', 'import static java.nio.charset.StandardCharsets.UTF_8;'] : []),
    '',
    'public class Sample {',
    '    public static void main(String[] args) throws Exception {',
    `        var method = "${method}";`,
    `        var path = "${target}";`,
    ...(body === undefined ? [] : [`        var body = ${literal(body)};`]),
    '        var headers = new LinkedHashMap<String, String>();',
    ...fields,
    ...(isSigned ? signing : []),
    `        var request = HttpRequest.newBuilder(URI.create("${sampleAddress}" + path))`,
    `            .method(method, HttpRequest.BodyPublishers.${publisher});`,
    '        headers.forEach(request::header);',
    '        var client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();',
    '        var response = client.send(request.build(), HttpResponse.BodyHandlers.ofString());',
    '        System.out.println(response.statusCode() + " " + response.body());',
    '    }',
    ...(isSigned ? javaBase64 : []),
    '}',
  ].join('\n');
}

const javaBase64 = [
  '',
  '    static String base64(byte[] bytes) {',
  '        return Base64.getEncoder().encodeToString(bytes);',
  '    }',
];

// The forms in which public keys are brought, and that every form that is not taken has its own sentence.
// Lines of OpenSSH and their keys are of `ssh-keygen`.

import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { suite, test } from 'node:test';
import { importPublicKey, UnusableKeyError } from '@unwind/signatures';

/** Type, line of `ssh-keygen`, and SubjectPublicKeyInfo of the same key in base64. */
const openSsh = [
  [
    'ecdsa-p256',
    'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBFwphNTSyKCX8xME' +
      'jqQKrMSQhJp8YPgGNmlIX3L+F2U8SuDIUBXzFBHw0PqkSxb6hQbnF5nX9F8LGUc1ciUwesE= key@example.tes' +
      't',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEXCmE1NLIoJfzEwSOpAqsxJCEmnxg+AY2aUhfcv4XZTxK4MhQFfMU' +
      'EfDQ+qRLFvqFBucXmdf0XwsZRzVyJTB6wQ==',
  ],
  [
    'ecdsa-p384',
    'ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBMeIApk7k46otg+g' +
      'KC1jBDCzIuawumm4epqXlZrD3bzuwamHif4C0IRGTEs1BUovKUWJwuJtjc7Hh9aRHiEmB+SGX+lJhGA1kVOCJBpI' +
      '8zS9NLlXUzdIV5SNGqfZY8cS9Q== key@example.test',
    'MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEx4gCmTuTjqi2D6AoLWMEMLMi5rC6abh6mpeVmsPdvO7BqYeJ/gLQhEZM' +
      'SzUFSi8pRYnC4m2NzseH1pEeISYH5IZf6UmEYDWRU4IkGkjzNL00uVdTN0hXlI0ap9ljxxL1',
  ],
  [
    'ecdsa-p521',
    'ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBADEtVuUYKJffOWN' +
      '0tNt1d53aqdoop7eIJLd07dawW/cJSbhWe6m/R8ulgfLxJ+19Chd5ai6yOUMQ8MFrQYRS8clAgCUZEJMFfJG2hFt' +
      'jYav+VYfXcmlGpYYbtXCY2kdow/jGpoXCz9DBo2CPamY55QEKodD9tErf+1rlGz0aNuSKqGzcA== key@example' +
      '.test',
    'MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQAxLVblGCiX3zljdLTbdXed2qnaKKe3iCS3dO3WsFv3CUm4Vnupv0f' +
      'LpYHy8SftfQoXeWousjlDEPDBa0GEUvHJQIAlGRCTBXyRtoRbY2Gr/lWH13JpRqWGG7VwmNpHaMP4xqaFws/QwaN' +
      'gj2pmOeUBCqHQ/bRK3/ta5Rs9Gjbkiqhs3A=',
  ],
  [
    'rsa-pss-sha512',
    'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDX/SmKFLne8jhBQd0FVQieLxCOxyro3kf7vSIEMC3pw0aEkliT' +
      '4JfzxKPFaujliaGY8gygtABNoM8de8a+nlFfGifRYzwPwbP73Zkx0yhHDXm59FAQOPDwaOm9dC5Wp79o0XR3/FUf' +
      'mxl9qSmvKK9ntL4bZmNE6PJu43V97CIrHXExrRf7lQdoPTySmoaih9DRTf1xGUgQplYci2MM/JLkH2Q030g2jzd7' +
      'YCOMdRuwRxmKQLU4pxHSstV/8MvcEIHirCDKD2JZhn9d5eEx5DyReN3GpQqgtevc/WoJqGh5rDz8sVoRQjnyzD2e' +
      'oF4R8rhd5xgBh8UEvLlhUfLvm0dL key@example.test',
    'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA1/0pihS53vI4QUHdBVUIni8Qjscq6N5H+70iBDAt6cNG' +
      'hJJYk+CX88SjxWro5YmhmPIMoLQATaDPHXvGvp5RXxon0WM8D8Gz+92ZMdMoRw15ufRQEDjw8GjpvXQuVqe/aNF0' +
      'd/xVH5sZfakpryivZ7S+G2ZjROjybuN1fewiKx1xMa0X+5UHaD08kpqGoofQ0U39cRlIEKZWHItjDPyS5B9kNN9I' +
      'No83e2AjjHUbsEcZikC1OKcR0rLVf/DL3BCB4qwgyg9iWYZ/XeXhMeQ8kXjdxqUKoLXr3P1qCahoeaw8/LFaEUI5' +
      '8sw9nqBeEfK4XecYAYfFBLy5YVHy75tHSwIDAQAB',
  ],
  [
    'ed25519',
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC1LGBedq7B0dqrehEySmZxRb8HVt3tbIzsbwuiGgkks key@exa' +
      'mple.test',
    'MCowBQYDK2VwAyEALUsYF52rsHR2qt6ETJKZnFFvwdW3e1sjOxvC6IaCSSw=',
  ],
] as const;

const curves = {
  'ecdsa-p256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'ecdsa-p384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  'ecdsa-p521': generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  ed25519: generateKeyPairSync('ed25519'),
};
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const { privateKey: p256 } = curves['ecdsa-p256'];

const pem = (key: KeyObject) => key.export({ format: 'pem', type: 'spki' }).toString();
const privatePem = (key: KeyObject, type: 'pkcs8' | 'sec1' = 'pkcs8') => {
  return key.export({ format: 'pem', type }).toString();
};
const der = (key: KeyObject) => key.export({ format: 'der', type: 'spki' });
/** As `openssl ecparam -genkey` writes it before a key. */
const curveBlock = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
const read = (given: string | Uint8Array) => importPublicKey(Buffer.from(given));

test('a line of OpenSSH is the key that ssh-keygen makes of it', () => {
  for (const [algorithm, line, base64] of openSsh) {
    const key = Buffer.from(base64, 'base64');
    const expected = createPublicKey({ key, format: 'der', type: 'spki' });
    for (const given of [line, `${line}\n`, line.replace(/ key@example.test$/, '')]) {
      const found = read(given);
      assert.equal(found.algorithm, algorithm);
      assert.ok(found.publicKey.equals(expected), line);
      assert.equal(found.isOfPrivate, false);
    }
  }
});

suite('every form gives the same key', () => {
  for (const [algorithm, { publicKey, privateKey }] of Object.entries(curves)) {
    const jwk = publicKey.export({ format: 'jwk' });
    const forms: Readonly<Record<string, string | Uint8Array>> = {
      'PEM, SPKI': pem(publicKey),
      'PEM with CR LF and a byte order mark': `\ufeff${pem(publicKey).replaceAll('\n', '\r\n')}`,
      'DER, SPKI': der(publicKey),
      'base64 of DER in lines': der(publicKey).toString('base64').replace(/.{20}/g, '$&\n'),
      JWK: JSON.stringify(jwk),
      'a set of one JWK': JSON.stringify({ keys: [{ ...jwk, kid: 'one', use: 'sig' }] }),
    };
    const privateForms: Readonly<Record<string, string | Uint8Array>> = {
      'private PEM, PKCS #8': privatePem(privateKey),
      'private DER, PKCS #8': privateKey.export({ format: 'der', type: 'pkcs8' }),
      'private JWK': JSON.stringify(privateKey.export({ format: 'jwk' })),
      ...(algorithm === 'ed25519'
        ? {}
        : {
            'private PEM, SEC 1': privatePem(privateKey, 'sec1'),
            'private PEM, SEC 1, behind its curve': `${curveBlock}${privatePem(privateKey, 'sec1')}`,
            'private DER, SEC 1': privateKey.export({ format: 'der', type: 'sec1' }),
          }),
    };
    const all = [
      ...Object.entries(forms).map(([form, given]) => [form, given, false] as const),
      ...Object.entries(privateForms).map(([form, given]) => [form, given, true] as const),
    ];
    for (const [form, given, isOfPrivate] of all) {
      test(`${algorithm}: ${form}`, () => {
        const found = read(given);
        assert.ok(found.publicKey.equals(publicKey));
        assert.equal(found.publicKey.type, 'public');
        assert.deepEqual([found.algorithm, found.isOfPrivate], [algorithm, isOfPrivate]);
      });
    }
  }

  test('Ed25519: base64 of its 32 bytes, also url-safe and without padding', () => {
    const { publicKey } = curves.ed25519;
    const bytes = der(publicKey).subarray(12);
    assert.equal(bytes.length, 32);
    const padded = bytes.toString('base64');
    for (const given of [padded, `${padded}\n`, bytes.toString('base64url')]) {
      assert.ok(read(given).publicKey.equals(publicKey), given);
    }
  });

  test('RSA in PKCS #1', () => {
    const type = 'pkcs1';
    for (const given of [
      rsa.publicKey.export({ format: 'pem', type }),
      rsa.publicKey.export({ format: 'der', type }),
    ]) {
      assert.ok(read(given).publicKey.equals(rsa.publicKey));
    }
  });
});

/** As `openssl ec -aes256` writes it: the form that the published proxy asks for. */
const proc4 = p256
  .export({ format: 'pem', type: 'sec1', cipher: 'aes-256-cbc', passphrase: 'x' })
  .toString();
const encrypted = { format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' } as const;

suite('every form that is not taken has its own sentence', () => {
  const curveJwk = curves['ecdsa-p256'].publicKey.export({ format: 'jwk' });
  const { y: _, ...halfJwk } = curveJwk;
  const [, line] = openSsh[0];
  const dss =
    'ssh-dss AAAAB3NzaC1kc3MAAACBAM26Xyssbe1Q5/TOWVr3G6N5pvi5XH2rRHs2tpSYrJxi4vQUgV2+ITQBg4Wm' +
    'Re7fZ3oESk8RYH5mBzUFm3sp6T1FwTmuFE4EwrG3IBxRtQDV65UeiwMWe9O6Nl9fJGOUDxqPLI8frOsyO1am1da5' +
    'N/5rf3ZRV4iXPw1iyiY9GQrDAAAAFQC26fXD8FdVBMN7sHjA3nowcyBvvwAAAIEAha9oVYxdAcpsPBvgP2MFQERG' +
    'LcMOOyEc7MiwPcrZkX3xvI139qKsb6AGVr30Koum30mJjqD6Vm2YOThBrbZORZCW7m7lt78z6L0sYH8tJ1nZZYpH' +
    'QuMjijwYtWf6PiRajoebjRO6yD+Gmn+2bdLY7sSUdLyvPBOSUf2Wrhix/s0AAACAdvObvzOcjG8W8dwJeZdnrxOG' +
    'XA/sIpyYCWF019QB1fhN2UvxbO4m9fCJKjjj/07D4QH99vVoF6UlC4KIxIYEbe5AjT1X6jdfTMDxl4hW+V+Z/cn4' +
    'NuzevpIo3SOLcWmrTDQ8YUsgPeSqCAGn2d5Vq0rVW6ZdwxqedD7rBBOa870= key@example.test';
  const table: readonly (readonly [form: string, given: string | Uint8Array, says: RegExp])[] = [
    ['nothing', ' \n', /^The key is empty: known are PEM, DER, JWK, OpenSSH, /],
    ['an encrypted private key', p256.export(encrypted).toString(), /is encrypted; .* -pubout/],
    ['one encrypted as PEM', proc4, /is encrypted; give its public part/],
    ['a private key of OpenSSH', '-----BEGIN OPENSSH PRIVATE KEY-----\nAA==\n', /the file \.pub/],
    ['a certificate', '-----BEGIN CERTIFICATE-----\nAA==\n', /^This is a certificate; .* -pubkey/],
    ['a curve alone', curveBlock, /^This names a curve and holds no key/],
    [
      'two keys',
      pem(rsa.publicKey) + pem(curves.ed25519.publicKey),
      /^There are several keys here/,
    ],
    ['PEM in quotation marks', JSON.stringify(pem(rsa.publicKey)), /stands in quotation marks/],
    ['PEM that is cut off', pem(rsa.publicKey).slice(0, 200), /^This PEM is cut off/],
    [
      'PEM of something else',
      pem(rsa.publicKey).replaceAll('PUBLIC', 'SECRET'),
      /"BEGIN SECRET KEY"/,
    ],
    [
      'PEM around nothing',
      pem(rsa.publicKey).replace(/\nM.*\n/, '\n'),
      /between its lines is no key/,
    ],
    ['JSON that is broken', '{"kty":"EC",', /^This begins like a JWK and is no JSON/],
    ['JSON of something else', '{"a":1}', /kty is none of EC, OKP and RSA/],
    ['a shared secret', '{"kty":"oct","k":"AA"}', /^This JWK is a shared secret/],
    ['half a JWK', JSON.stringify(halfJwk), /^This JWK lacks y\.$/],
    [
      'a JWK of no point',
      JSON.stringify({ ...curveJwk, x: curveJwk.y }),
      /^This JWK cannot be read/,
    ],
    [
      'a set of several',
      JSON.stringify({ keys: [curveJwk, curveJwk] }),
      /^This set of JWKs has 2 keys/,
    ],
    ['RFC 4716', '---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n', /ssh-keygen -i/],
    ['several lines of OpenSSH', `${line}\n${line}\n`, /^There are several keys here/],
    ['OpenSSH that is cut off', line.slice(0, 60), /^This line of OpenSSH is cut off or changed/],
    ['OpenSSH of another type', dss, /type ssh-dss is not taken; known are ssh-ed25519/],
    ['32 bytes', Buffer.alloc(32, 1), /^These are 32 bytes as they are; give them in base64/],
    ['other bytes', Buffer.alloc(33, 1), /^These bytes are no DER, and no text/],
    [
      'DER of something else',
      Buffer.from('300302010a', 'hex'),
      /^This DER is neither a public key/,
    ],
    ['text in UTF-16', Buffer.from('\ufeffabc', 'utf16le'), /^This is text in UTF-16/],
    ['hexadecimal', 'd7'.repeat(32), /^This is hexadecimal; give the 32 bytes in base64/],
    [
      'base64 of another length, with slashes as the name of a file',
      Buffer.alloc(33, 0xff).toString('base64'),
      /^This is base64 of 33 bytes; 32/,
    ],
    ['the name of a file', 'keys/public.pem', /^This looks like the name of a file/],
    ['anything else', 'my key!', /^This is no key in a form that is known/],
    ['too much', 'A'.repeat(70_000), /^This has 70000 bytes, too many for a key/],
    [
      'another curve',
      pem(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey),
      /P-256, P-384 or P-521, and it is secp256k1/,
    ],
  ];
  for (const [form, given, message] of table) {
    test(form, () => {
      assert.throws(
        () => read(given),
        (error: unknown) => {
          assert.ok(error instanceof UnusableKeyError, String(error));
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  test('no two forms share a sentence', () => {
    const sentences = table.map(([, given]) => {
      try {
        read(given);
        return assert.fail('it was taken');
      } catch (error) {
        return String(error).replace(/\d+/g, 'N');
      }
    });
    const shared = sentences.filter((one, i) => sentences.indexOf(one) !== i);
    assert.deepEqual(
      shared.filter((one) => !/encrypted|several keys/.test(one)),
      [],
    );
  });
});

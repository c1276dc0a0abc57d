/**
 * A certificate for `localhost`, `github.localhost` and 127.0.0.1, signed by itself, for clients that insist on https. Made for the tests; it
 * guards nothing.
 */
export const loopbackKey = Buffer.from(`-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgYxtnUc4kD2iAXjrY
BVrPcwTHVg9g0Sbr7iidzMLKVsmhRANCAASfZ/9mkCnB2S3env1Yw9ymVltlZhTJ
5Lyk+cXVmsX5teRPAFRmqY/Y+zi/U64RRrhMhATqPHzS+UVr0yPOSwwK
-----END PRIVATE KEY-----
`)
export const loopbackCert = Buffer.from(`-----BEGIN CERTIFICATE-----
MIIBrzCCAVSgAwIBAgIUCiOnpLvIRLWNYXZLHkzkdSYaricwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTA4NTg1NFoYDzIxMjYxMDI4
MDg1ODU0WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASfZ/9mkCnB2S3env1Yw9ymVltlZhTJ5Lyk+cXVmsX5teRPAFRmqY/Y
+zi/U64RRrhMhATqPHzS+UVr0yPOSwwKo4GBMH8wHQYDVR0OBBYEFLXKWCzkzcr7
zienbrCqDDQJwkasMB8GA1UdIwQYMBaAFLXKWCzkzcr7zienbrCqDDQJwkasMA8G
A1UdEwEB/wQFMAMBAf8wLAYDVR0RBCUwI4IJbG9jYWxob3N0ghBnaXRodWIubG9j
YWxob3N0hwR/AAABMAoGCCqGSM49BAMCA0kAMEYCIQDQiJR0AoC8gfBUu+Rnp0zO
vybQ5UlsCk6Hx1G5QmGfPwIhAOZ9l/H9IVY9VKe8HK2qvBAXLWlJnAtWi01sM0j9
vwFP
-----END CERTIFICATE-----
`)

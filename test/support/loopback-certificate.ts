/**
 * A certificate for `localhost` and 127.0.0.1, signed by itself, for clients that insist on https. Made for the tests; it
 * guards nothing.
 */
export const loopbackKey = Buffer.from(`-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgYxtnUc4kD2iAXjrY
BVrPcwTHVg9g0Sbr7iidzMLKVsmhRANCAASfZ/9mkCnB2S3env1Yw9ymVltlZhTJ
5Lyk+cXVmsX5teRPAFRmqY/Y+zi/U64RRrhMhATqPHzS+UVr0yPOSwwK
-----END PRIVATE KEY-----
`)
export const loopbackCert = Buffer.from(`-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUWYYHmx95f/Wn8SxolDj8YyaFsKIwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTA4MjQ0OVoYDzIxMjYxMDI4
MDgyNDQ5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASfZ/9mkCnB2S3env1Yw9ymVltlZhTJ5Lyk+cXVmsX5teRPAFRmqY/Y
+zi/U64RRrhMhATqPHzS+UVr0yPOSwwKo28wbTAdBgNVHQ4EFgQUtcpYLOTNyvvO
J6dusKoMNAnCRqwwHwYDVR0jBBgwFoAUtcpYLOTNyvvOJ6dusKoMNAnCRqwwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSQAwRgIhAOUEEEk5+2B2sY5xT/NTLB9NzCO5LhzenFl9G9ZJ4nnjAiEA
pfseNH+aIAvL3trYL1b4K6gqMuK+O3QkbzHFx7Z9wTc=
-----END CERTIFICATE-----
`)

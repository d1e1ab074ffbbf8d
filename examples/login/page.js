// The refresh token is in a cookie that no script sees; the access token is kept here, for as long as the page is open.
async function show() {
	const session = await fetch("/session/refresh", {method: "POST"});
	document.getElementById("login").hidden = session.ok;
	document.getElementById("logout").hidden = !session.ok;
	if (!session.ok) {
		document.getElementById("who").textContent = "Nobody is logged in.";
		return;
	}
	const {access_token: token} = await session.json();
	const me = await fetch("/api/me", {headers: {Authorization: "Bearer " + token}});
	document.getElementById("who").textContent = await me.text();
}

document.getElementById("logout").addEventListener("click", async () => {
	await fetch("/session/logout", {method: "POST"});
	await show();
});

show();

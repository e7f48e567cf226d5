"""Korean texts. The leak must be called 유출, by the regulator's order of 3 December 2025."""

from app.web.texts.schema import (
    AnswerTexts,
    CodeTexts,
    ConfidenceTexts,
    DurationTexts,
    ErrorTexts,
    FactStateTexts,
    NoticeTexts,
    SiteTexts,
    StartTexts,
    Texts,
    TitledText,
    ValueCheckTexts,
)

_NOT_ABOUT_YOU = "이 오류는 고객님의 정보가 유출되었는지와 아무 관계가 없습니다."

KOREAN = Texts(
    lang="ko",
    date_format="{y}년 {month} {d}일",
    datetime_format="{y}년 {month} {d}일 {time} (한국 시각)",
    months=tuple(f"{month}월" for month in range(1, 13)),
    site=SiteTexts(
        name="내 정보 유출 확인",
        skip_link="본문으로 바로 가기",
        other_language="en",
        other_language_name="English",
        error_prefix="오류: ",
        error_summary="다시 확인해 주세요",
        safety_title="안전하게 이용하세요",
        safety_tips=(
            "이 사이트는 비밀번호, 카드 번호, 주민등록번호를 묻지 않습니다.",
            "이 사이트가 보내는 문자와 이메일에는 링크가 없습니다. 링크가 있으면 누르지 마세요.",
            "받은 확인 번호를 다른 사람에게 알려 주지 마세요. 전화로 묻는 사람은 사기입니다.",
            "의심스러우면 118(한국인터넷진흥원)로 전화하세요.",
        ),
        sign_out="끝내기 (로그아웃)",
        start_link="처음으로",
        answer_link="내 결과 보기",
        session_identifiers="이 기기에서 이미 본인 확인을 마친 연락처",
        session_hint="지금 확인하는 연락처는 여기에 더해집니다. 위 연락처가 내 것이 아니면 아래 단추를 누르고 처음부터 다시 해 주세요.",
        not_me="이 정보는 제 것이 아닙니다",
    ),
    start=StartTexts(
        title="내 정보가 유출되었는지 확인하세요",
        intro="개인정보 유출 사고에서 내 정보 가운데 무엇이 유출되었는지 볼 수 있습니다. 회원이 아니어도 됩니다.",
        steps=(
            "아래에 휴대전화 번호나 이메일 주소를 적습니다.",
            "그 전화나 이메일로 온 숫자 8자리를 적습니다.",
            "무엇이 유출되었는지, 지금 무엇을 하면 되는지 봅니다.",
        ),
        label="휴대전화 번호 또는 이메일 주소",
        hint="예: 010-1234-5678 또는 name@example.com",
        button="확인 번호 받기",
        privacy="적으신 내용은 확인 번호를 보내고 명단에서 찾는 데에만 씁니다. 결과는 본인에게만 보여 드립니다.",
        missing_identifier="휴대전화 번호나 이메일 주소를 적어 주세요.",
        invalid_email="이메일 주소가 올바르지 않습니다. name@example.com 처럼 적어 주세요.",
        invalid_phone="전화번호가 올바르지 않습니다. 010-1234-5678 처럼 적어 주세요. 이메일 주소라면 @가 들어가야 합니다.",
        verify_first="결과를 보려면 먼저 본인 확인을 해 주세요. 시간이 지나면 안전을 위해 확인이 끝납니다.",
        verify_again="새 명단을 보려면 본인 확인을 한 번 더 해 주세요.",
        signed_out="끝났습니다. 이 기기에서 결과를 더 이상 볼 수 없습니다.",
        verification_ended="확인 번호를 더 이상 쓸 수 없습니다. 시간이 지났거나 여러 번 틀렸을 수 있습니다. 처음부터 다시 해 주세요.",
        wait="이 인터넷 연결에서 확인 번호를 여러 번 요청했습니다. {wait} 뒤에 아래 단추를 다시 눌러 주세요. 적으신 내용은 그대로 있습니다.",
        queued="지금 많은 분이 확인하고 계십니다. 차례를 맡아 두었습니다. {wait} 뒤에 아래 단추를 다시 눌러 주세요. 적으신 내용은 그대로 있습니다.",
        durations=DurationTexts(seconds="{seconds}초", minutes="{minutes}분"),
    ),
    code=CodeTexts(
        title="확인 번호를 적어 주세요",
        sent_to="숫자 {digits}자리를 보냈습니다. 보낸 곳:",
        new_code_sent="새 번호를 보냈습니다. 가장 나중에 온 번호를 적어 주세요. 이전 번호는 쓸 수 없습니다.",
        valid_until="{until}까지 쓸 수 있습니다.",
        label="확인 번호",
        hint="숫자 {digits}자리",
        button="확인",
        not_received_title="번호가 오지 않나요?",
        not_received="1~2분 기다려 주세요. 스팸 문자함과 스팸 메일함도 봐 주세요. 그래도 없으면 다시 받을 수 있습니다.",
        resend="번호 다시 받기",
        resend_too_soon="방금 번호를 보냈습니다. {seconds}초 뒤에 다시 받을 수 있습니다. 먼저 온 번호가 있는지 확인해 주세요.",
        use_other_identifier="다른 전화번호나 이메일로 하기",
        invalid_format="숫자 {digits}자리를 적어 주세요.",
        incorrect="확인 번호가 다릅니다. 다시 봐 주세요. {left}번 더 할 수 있습니다.",
    ),
    answer=AnswerTexts(
        title="내 정보 확인 결과",
        verified_identifiers="본인 확인을 마친 연락처",
        as_of="{date}에 공개된 명단까지 확인했습니다.",
        synthetic="연습용 자료입니다. 여기 나오는 사람은 모두 지어낸 사람입니다.",
        nothing_published=TitledText(
            title="아직 공개된 명단이 없습니다",
            body="그래서 지금은 알려 드릴 수 없습니다. 며칠 뒤에 다시 확인해 주세요.",
        ),
        holder=ConfidenceTexts(
            confirmed=TitledText(
                title="내 정보가 유출되었습니다",
                body="아래 항목이 유출된 것으로 확인되었습니다. 지금 할 일을 봐 주세요.",
            ),
            possible=TitledText(
                title="내 정보가 유출되었을 수 있습니다",
                body="아직 확인하고 있습니다. 확인되는 대로 알려 드립니다. 그때까지는 유출되었다고 생각하고 대비해 주세요.",
            ),
            withdrawn=TitledText(
                title="내 정보는 유출되지 않은 것으로 확인되었습니다",
                body="이전에 유출되었을 수 있다고 안내했으나, 조사 결과 이 사고에서는 유출되지 않았습니다.",
            ),
            under_review=TitledText(
                title="내 정보를 다시 확인하고 있습니다",
                body="이전 명단에는 있었지만 새 명단에는 없습니다. 확인이 끝날 때까지는 유출되었다고 생각하고 대비해 주세요.",
            ),
        ),
        recipient=ConfidenceTexts(
            confirmed=TitledText(
                title="다른 사람의 주소록에 있던 내 정보가 유출되었습니다",
                body="누군가 나에게 물건을 보내려고 저장해 둔 정보입니다. 내가 회원이 아니어도 있을 수 있습니다.",
            ),
            possible=TitledText(
                title="다른 사람의 주소록에 있던 내 정보가 유출되었을 수 있습니다",
                body="누군가 나에게 물건을 보내려고 저장해 둔 정보입니다. 아직 확인하고 있으며, 확인되는 대로 알려 드립니다.",
            ),
            withdrawn=TitledText(
                title="다른 사람의 주소록에 있던 내 정보는 유출되지 않은 것으로 확인되었습니다",
                body="이전에 유출되었을 수 있다고 안내했으나, 조사 결과 이 사고에서는 유출되지 않았습니다.",
            ),
            under_review=TitledText(
                title="다른 사람의 주소록에 있던 내 정보를 다시 확인하고 있습니다",
                body="이전 명단에는 있었지만 새 명단에는 없습니다. 확인이 끝날 때까지는 유출되었다고 생각하고 대비해 주세요.",
            ),
        ),
        not_found=TitledText(
            title="지금까지 공개된 명단에서 찾지 못했습니다",
            body="본인 확인을 마친 연락처가 이 명단에 없습니다. "
            "다른 휴대전화 번호나 이메일을 쓴 적이 있다면 그것으로도 확인해 보세요. 명단은 나중에 늘어날 수 있습니다.",
        ),
        cannot_tell=TitledText(
            title="이 연락처로는 알 수 없습니다",
            body="여러 사람이 함께 쓰는 연락처로 등록되어 있어, 누구의 정보인지 알 수 없습니다. "
            "유출되지 않았다는 뜻이 아닙니다. 다른 휴대전화 번호나 이메일로 확인해 주세요.",
        ),
        partly_cannot_tell="확인한 연락처 가운데 하나는 여러 사람이 함께 쓰는 것이어서, 그 연락처로는 알 수 없는 부분이 있습니다.",
        several_people="이 연락처에는 여러 사람의 기록이 있습니다. 가족이 함께 쓰는 번호일 수 있습니다.",
        exposed_items="유출된 항목",
        items_withdrawn="이전에 안내했던 항목 (유출되지 않음)",
        items_earlier="이전 명단에 있던 항목",
        times_viewed="({count}번 조회됨)",
        hints="가려서 표시: {hints}",
        actions="지금 할 일",
        call="{phone} 전화하기",
        open_link="{link} 열기",
        about_incident="이 사고에 대한 안내 보기",
        facts="지금까지 알려진 것",
        fact_states=FactStateTexts(
            confirmed="확인됨",
            disputed="서로 주장이 다름",
            under_investigation="조사 중",
            withheld="아직 밝힐 수 없음",
        ),
        fact_source="{authority}, {date}",
        other_identifier_title="다른 연락처도 확인하기",
        other_identifier="전에 쓰던 휴대전화 번호나 다른 이메일도 여기서 이어서 확인할 수 있습니다.",
        too_many_identifiers="한 번에 확인할 수 있는 연락처를 모두 썼습니다. 끝내기를 누른 뒤 다시 시작해 주세요.",
        opt_out_title="요청하지 않은 확인 번호가 자꾸 오나요?",
        opt_out="다른 사람이 고객님의 연락처를 적으면 확인 번호가 갈 수 있습니다. "
        "아래 단추를 누르면 위의 연락처로 90일 동안 번호를 보내지 않습니다. 그동안에는 고객님도 그 연락처로 확인할 수 없습니다.",
        opt_out_button="90일 동안 번호 받지 않기",
        opted_out="앞으로 90일 동안 본인 확인을 마친 연락처로 확인 번호를 보내지 않습니다.",
    ),
    notice=NoticeTexts(
        title="개인정보 유출 통지",
        version="{version}번째 통지, {date}",
        leaked_items="유출된 개인정보 항목",
        circumstances="유출된 때와 경위",
        self_protection="피해를 줄이기 위해 할 수 있는 일",
        response="회사의 대응",
        relief="피해 구제 절차",
        contact="문의할 곳",
        rights="나의 권리",
        read_title="통지를 읽으셨나요?",
        read_button="통지를 읽었습니다",
        acknowledged_at="{at}에 통지를 읽었다고 확인하셨습니다.",
        changed_since_read="전에 읽으신 뒤로 통지가 바뀌었습니다. 새 통지를 읽어 주세요.",
        superseded="그사이 통지가 바뀌었습니다. 아래의 새 통지를 읽고 다시 눌러 주세요.",
        answer_changed="결과가 새로 바뀌었습니다. 아래 내용을 보고 다시 눌러 주세요.",
        receipts_link="확인증 보기",
        receipts_title="통지를 읽었다는 확인증",
        receipts_intro="이름이나 연락처는 들어 있지 않습니다. 보관해 두셔도 되고, 없어도 권리는 그대로입니다.",
        no_receipts="아직 확인증이 없습니다.",
        receipt_title="확인증 {number}",
        download_link="확인증 {number} 파일로 받기",
    ),
    check=ValueCheckTexts(
        title="이름이나 주소 확인하기",
        intro="내 기록에 있는 이름이나 주소가 맞는지 알아볼 수 있습니다. 적으신 내용은 저장하지 않습니다.",
        kind="무엇을 확인할까요?",
        name="이름",
        address="주소",
        label="이름 또는 주소",
        hint="주소 예: 서울 강남구 테헤란로 12, 101동 1203호",
        button="확인하기",
        result="확인 결과",
        invalid="이대로는 확인할 수 없습니다. 이름이나 주소 전체를 다시 적어 주세요.",
        matched_exposed="기록에 있는 것과 같습니다. 이 항목은 유출되었습니다.",
        matched_not_exposed="기록에 있는 것과 같지만, 유출된 항목에는 들어 있지 않습니다.",
        unmatched_exposed="기록에 있는 것과 같은지 알아볼 수 없습니다. 다만 이 종류의 항목은 유출되었습니다. 다르게도 적어 보세요.",
        unmatched="기록에 있는 것과 같은지 알아볼 수 없습니다. 도로명 주소나 지번 주소처럼 다르게도 적어 보세요.",
    ),
    errors=ErrorTexts(
        unavailable=TitledText(
            title="지금은 결과를 보여 드릴 수 없습니다", body=f"저희 시스템의 문제입니다. {_NOT_ABOUT_YOU}"
        ),
        internal_error=TitledText(title="저희 쪽에서 오류가 났습니다", body=_NOT_ABOUT_YOU),
        too_many_requests=TitledText(
            title="요청이 너무 많습니다", body=f"잠시 쉬었다가 다시 해 주세요. {_NOT_ABOUT_YOU}"
        ),
        not_found=TitledText(
            title="페이지가 없습니다", body="주소가 바뀌었거나 잘못 적혔을 수 있습니다. 처음부터 다시 해 주세요."
        ),
        method_not_allowed=TitledText(
            title="이 주소는 이렇게 열 수 없습니다", body="처음 화면에서 다시 시작해 주세요."
        ),
        forbidden=TitledText(
            title="안전을 위해 멈췄습니다",
            body="다른 사이트에서 온 요청은 받지 않습니다. 처음 화면에서 직접 시작해 주세요.",
        ),
        too_large=TitledText(title="적으신 내용이 너무 깁니다", body="짧게 줄여서 다시 해 주세요."),
        other_error=TitledText(
            title="요청을 처리할 수 없습니다", body=f"처음 화면에서 다시 시작해 주세요. {_NOT_ABOUT_YOU}"
        ),
        retry_after="{seconds}초 뒤에 다시 해 주세요.",
        retry_link="다시 해 보기",
    ),
)
